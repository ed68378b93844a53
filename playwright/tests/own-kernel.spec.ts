import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "@playwright/test";
import { cacheDir, findKernel } from "../../apps/runner/src/build/index.js";
import { endIt, expectStep, labUrl, test, verdict } from "./page.js";

const NAME = "page-test";
const HASH = "0123456789ab".padEnd(64, "0");

/** What `crlab kernel build` leaves behind, without the minutes that it takes: the lab's own kernel under another name. */
async function lendKernel(): Promise<() => void> {
  const cr = await findKernel("cr");
  if (!cr) throw new Error("kernel cr is not built");
  const dir = cacheDir("kernels", `${NAME}-${HASH.slice(0, 12)}`);
  cpSync(dirname(cr.bzImage), dir, { recursive: true });
  const kernel = JSON.parse(readFileSync(join(dir, "kernel.json"), "utf8")) as object;
  const changed = { variant: NAME, kernelHash: HASH, on: "cr", changes: ["fs/open.c +3 -1"] };
  writeFileSync(join(dir, "kernel.json"), JSON.stringify({ ...kernel, ...changed }));
  const definition = join(cacheDir("own-kernels"), `${NAME}.json`);
  mkdirSync(dirname(definition), { recursive: true });
  writeFileSync(definition, JSON.stringify({ name: NAME, on: "cr", patches: "/nowhere", kernelHash: HASH }));
  return () => {
    rmSync(definition);
    rmSync(dir, { recursive: true });
  };
}

test("a kernel with changes is chosen by its name, and what it is made of stands in what comes out", async ({
  page,
}) => {
  const remove = await lendKernel();
  try {
    const run = async (kernel: string) => {
      await page.goto(`${labUrl()}/new`);
      await page.getByLabel("Title").fill(`On ${kernel}`);
      await page.getByLabel(/^Kernel/).selectOption(kernel);
      await page.getByRole("button", { name: "Boot guest" }).click();
      await expectStep(page, 1, "ok");
      await endIt(page);
      await expect(verdict(page)).toHaveText("pass");
      return new URL(page.url()).pathname.split("/").at(-1) ?? "";
    };
    const cr = await run("cr");
    const mine = await run(NAME);
    await expect(page.getByRole("banner")).toContainText(NAME);
    await page.getByRole("tab", { name: "Report" }).click();
    await expect(page.getByRole("tabpanel", { name: "Report" })).toContainText("cr and fs/open.c +3 -1");
    await page.goto(`${labUrl()}/compare?x=${cr}&x=${mine}`);
    await expect(page.getByTestId("unlike")).toContainText(
      "changed in the kernel: A nothing · B cr and fs/open.c +3 -1",
    );
    await page.goto(`${labUrl()}/sweeps`);
    await expect(page.getByRole("group", { name: "Kernel" })).toContainText(NAME);
  } finally {
    remove();
  }
});
