/** Asks the console by HTTP; what goes wrong on the way is said by name. */
import { consoleAway, RequestError } from "./runner-socket";

export async function askConsole(path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(path, init).catch(() => {
    throw new RequestError(consoleAway);
  });
  try {
    return await response.json();
  } catch {
    throw new RequestError({
      code: "console.answer",
      message: `The console answered with status ${response.status}, and nothing that this page can read.`,
      hint: "Its own output may say more. Reload the page if the lab was updated.",
    });
  }
}
