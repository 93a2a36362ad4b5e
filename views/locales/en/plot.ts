// English: words of plots.

export const plot = {
  numbers: "Numbers",
  time: "Time (UTC)",
};
