/** There are none: everything is asked of the runner. */
export const serverActionReducer = (): never => {
  throw new Error("this console has no server actions");
};
