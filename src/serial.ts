// Serial: runs async tasks one after another, for effects that must not overlap.

/** Returns a function that runs each task once all earlier ones have ended, however they ended. */
export function createSerial(): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task);
    last = run.catch(() => {});
    return run;
  };
}
