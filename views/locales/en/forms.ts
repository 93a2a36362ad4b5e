// English: mistakes in forms.

export const forms = {
  /** How a field is called in a message. */
  field: (name: string) => name.replaceAll("_", " "),
  required: "is needed",
  tooLong: (max: number) => `has more than ${max} characters`,
  pattern: "is not in the expected form",
  range: (min: number, max: number) =>
    max >= Number.MAX_SAFE_INTEGER ? `has to be a number from ${min}` : `has to be a number from ${min} to ${max}`,
  choice: "is not one of the choices",
};
