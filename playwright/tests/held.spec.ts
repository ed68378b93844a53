import { expect, type Page, test } from "@playwright/test";
import { action, bootByHand, expectStep } from "./page.js";

async function start(page: Page, stepNo: number, workload: string, args?: string): Promise<void> {
  await action(page, "start").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Workload").selectOption({ label: workload });
  const field = dialog.getByRole("textbox", { name: workload === "Any command …" ? "Command" : "Arguments" });
  if (args !== undefined) await field.fill(args);
  await dialog.getByRole("button", { name: "Start" }).click();
  await expectStep(page, stepNo, "ok");
}

/** A row of the processes' tables, by what it says. */
const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

test("a file that a process holds is renamed and unlinked from its row", async ({ page }) => {
  await bootByHand(page, "Held");
  await start(page, 2, "Unlinked file holder", "");
  const file = row(page, "/data/unlinked-holder.");
  await file.hover();
  await file.getByRole("button", { name: "rename" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("What").locator("option:checked")).toContainText("fd 3 of unlinked-holder");
  await dialog.getByLabel("To").fill("/data/elsewhere");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expectStep(page, 3, "ok");
  await expect(page.getByTestId("step-3")).toContainText("is /data/elsewhere now");

  await row(page, "/data/elsewhere").hover();
  await row(page, "/data/elsewhere").getByRole("button", { name: "unlink" }).click();
  await dialog.getByRole("button", { name: "Unlink" }).click();
  await expectStep(page, 4, "ok");
  await expect(row(page, "/data/elsewhere").locator(".tag.unlinked")).toHaveText("unlinked");
  await expect(row(page, "/data/elsewhere").getByRole("button")).toHaveCount(0);

  // Another filesystem would be a copy, and is refused by name.
  await action(page, "rename").click();
  await dialog.getByLabel("What").selectOption({ label: "Any path …" });
  await dialog.getByLabel("Path in the guest").fill("/etc/hostname");
  await dialog.getByLabel("To").fill("/tmp/hostname");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expectStep(page, 5, "failed");
  await expect(page.getByTestId("step-5")).toContainText("are on different filesystems");
});

test("locks, watches, shared descriptions and what has no name are shown for what they are", async ({ page }) => {
  await bootByHand(page, "Shown");
  await start(page, 2, "File locks");
  await action(page, "verify").click();
  await expectStep(page, 3, "ok");
  await expect(row(page, "lock POSIX WRITE 100-149")).toContainText("lock");
  await expect(row(page, "lock FLOCK WRITE whole file")).toHaveCount(1);
  await expect(row(page, /lock LEASE/)).toHaveCount(1);

  await start(page, 4, "Things without a name");
  await action(page, "verify").click();
  await expectStep(page, 5, "ok");
  await expect(row(page, "cwd").first()).toContainText("unlinked");
  await expect(row(page, "/data/nameless.fifo.").first()).toContainText("fifo");
  await expect(row(page, "/data/nameless.shared.").first()).toContainText("shared");

  const script = [
    "import ctypes,time",
    "l=ctypes.CDLL(None)",
    "fd=l.inotify_init1(0)",
    "open('/data/w','w')",
    "l.inotify_add_watch(fd,b'/data/w',0x402)",
    "print('watching',flush=True)",
    "time.sleep(1e6)",
  ].join(";");
  await start(page, 6, "Any command …", `python3 -c "${script}"`);
  await expect(page.locator(".xterm-rows").first()).toContainText("watching");
  await action(page, "unlink").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What").selectOption({ label: "Any path …" });
  await dialog.getByLabel("Path in the guest").fill("/data/w");
  await dialog.getByRole("button", { name: "Unlink" }).click();
  await expectStep(page, 7, "ok");
  await expect(row(page, "inotify · 1 watch")).toContainText("MODIFY DELETE_SELF");
});
