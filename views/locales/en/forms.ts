// English: mistakes in forms.

export const forms = {
  /** How a field is called in a message. */
  field: (name: string) => name.replaceAll("_", " "),
  required: "is required",
  tooLong: (max: number) => `has more than ${max} characters`,
  pattern: "does not have the expected format",
  range: (min: number, max: number) =>
    max >= Number.MAX_SAFE_INTEGER ? `must be a number from ${min}` : `must be a number from ${min} to ${max}`,
  choice: "is not one of the choices",
};
