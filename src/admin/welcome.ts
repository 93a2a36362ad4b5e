// The first steps on a fresh data folder: own password, first key, first token, first picture.

/** Fact that is written when they are done or left. Epoch ms. */
export const FIRST_STEPS_DONE = "first_steps_done_at";
