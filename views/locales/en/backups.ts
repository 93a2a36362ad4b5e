// English: scheduled backups.

export const backups = {
  title: "Scheduled backups",
  every: "Every so many hours",
  everyHint: "24: daily, 168: weekly. 0: none are made.",
  hour: "Counted from this hour (UTC)",
  keep: "Backups that are retained",
  save: "Save the schedule",
  saved: "The schedule is saved.",
  unchanged: "Nothing was changed.",
  place: "They go to",
  placeHint:
    "backup.folder, or backup.s3_url with its keys, name another place in the settings file or the environment. A disk other than that of the data is better.",
  run: "Make one now",
  ran: (name: string) => `Backup made: ${name}`,
  notRan: (why: string) => `The backup failed. ${why}`,
  stored: (count: number) => (count === 1 ? "1 backup there" : `${count} backups there`),
  running: "Being made",
  failed: "Failed",
  made: "Made",
  none: "No backup yet",
  next: "Next",
};
