// English: words of plots.

export const plot = {
  numbers: "Numbers",
  hour: "Hour",
  day: "Day (UTC)",
};
