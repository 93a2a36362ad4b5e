// Name of an installation: a word in its data folder, of which a copy of the folder gets another.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../ids.ts";

/** Names this folder in the names of its backups. It is in none of them: what is restored elsewhere has another. */
export const INSTALLATION = "installation.id";

/** The word, then inode and time of birth of the file: a copy has others, however its times were kept. */
const CONTENT = /^(?<word>[a-z2-7]{8})(?: (?<inode>\d+) (?<born>\d+))?$/;

/**
 * Made when it is first asked for, and again in a copy: two installations of one name would overwrite and delete each other's backups.
 * One of the two marks suffices: there are file systems that do not keep one of them.
 */
export function installationOf(dataDir: string): string {
  const file = join(dataDir, INSTALLATION);
  const { word, inode, born } = (existsSync(file) && CONTENT.exec(readFileSync(file, "utf8").trim())?.groups) || {};
  if (word === undefined) return nameInstallation(file, newId().slice(0, 8));
  // Of an earlier build: whether it is a copy is not known.
  if (inode === undefined) return nameInstallation(file, word);
  const marks = marksOf(file);
  return inode === marks.inode || born === marks.born ? word : nameInstallation(file, newId().slice(0, 8));
}

/** The file is written in place: a new one would have other marks. */
function nameInstallation(file: string, word: string): string {
  writeFileSync(file, `${word}\n`, { mode: 0o600 });
  const { inode, born } = marksOf(file);
  writeFileSync(file, `${word} ${inode} ${born}\n`);
  return word;
}

function marksOf(file: string): { inode: string; born: string } {
  const { ino, birthtimeNs } = statSync(file, { bigint: true });
  return { inode: `${ino}`, born: `${birthtimeNs}` };
}
