// Thought signatures of a conversation: they go to the account that made them, and are left out for every other. Pure.

import type { Part, Turn } from "../../../domain/generation.ts";
import { omit } from "../../../domain/omit.ts";
import type { Affinity } from "./affinity.ts";

/** Google's documented value for histories that no account of the API made; every account takes it. */
const PLACEHOLDER = "skip_thought_signature_validator";

const signatureOf = (part: Part): string | undefined => (part.type === "text" ? part.signature : part.image.signature);

/** Whether any part bears a signature. */
export function hasSignatures(turns: readonly Turn[]): boolean {
  for (const { parts } of turns) for (const part of parts) if (signatureOf(part) !== undefined) return true;
  return false;
}

/**
 * The conversation for one account. A signature whose maker is not known (made before a restart, or elsewhere) stays: the upstream
 * refuses it free of charge when it is not its own.
 * @param isOwn whether a token belongs to the account that is to be called
 */
export function turnsForAccount(turns: Turn[], affinity: Pick<Affinity, "of" | "tokenOf">, isOwn: (tokenId: number) => boolean): Turn[] {
  return stripped(turns, (part, signature) => {
    if (signature === PLACEHOLDER) return true;
    const mediaId = part.type === "image" ? part.image.mediaId : undefined;
    const maker = affinity.tokenOf(signature) ?? (mediaId === undefined ? null : (affinity.of(mediaId)?.tokenId ?? null));
    return maker === null || isOwn(maker);
  });
}

/** The conversation without any signature. */
export const turnsWithoutSignatures = (turns: Turn[]): Turn[] => stripped(turns, () => false);

/** The same array when nothing is to be left out. */
function stripped(turns: Turn[], keeps: (part: Part, signature: string) => boolean): Turn[] {
  let isChanged = false;
  const next = turns.map((turn) => {
    const parts = turn.parts.map((part) => {
      const signature = signatureOf(part);
      if (signature === undefined || keeps(part, signature)) return part;
      isChanged = true;
      return withoutSignature(part);
    });
    return { ...turn, parts };
  });
  return isChanged ? next : turns;
}

function withoutSignature(part: Part): Part {
  if (part.type === "text") return omit(part, ["signature"]);
  return { ...part, image: omit(part.image, ["signature"]) };
}
