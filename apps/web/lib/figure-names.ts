/** A step's figure as people call it; its unit stands at its value. */
export const nameOfFigure = (name: string): string =>
  name === "stepMs" ? "time" : name.replace(/(Ns|Ms)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
