// Draws the simulated images: a sky, a sun with a glow, ridges in the haze. The same seed draws the same scene at every size.
import { chance } from "../chance.ts";
import type { IndexedImage } from "./png.ts";

const SKY_SHADES = 112;
const SUN_SHADES = 16;
const RIDGE_SHADES = 14;
const MOST_RIDGES = 7;
const MOST_FRAMES = 6;

type Scene = {
  skyTop: number[];
  skyBottom: number[];
  sun: { x: number; y: number; radius: number; colour: number[] };
  /** Far to near. */
  ridges: { height: number; amplitude: number; waves: { frequency: number; phase: number; weight: number }[]; sharp: boolean }[];
  near: number[];
  stars: number;
};

/**
 * Draws the scene of a seed. Every colour in `frames` adds a coloured frame around it, outermost first: the sign that input images arrived.
 */
export function drawScene(seed: number, width: number, height: number, frames: number[] = []): IndexedImage {
  const scene = imagine(seed);
  const palette = paletteOf(scene);
  const rows = new Uint8Array((width + 1) * height);
  const horizons = scene.ridges.map((ridge) => horizonOf(ridge, width, height));
  paintSky(rows, scene, width, height);
  paintRidges(rows, horizons, width, height);
  paintFrames({ width, height, palette, rows }, frames.slice(0, MOST_FRAMES));
  return { width, height, palette, rows };
}

function imagine(seed: number): Scene {
  const random = chance(seed);
  const hue = random();
  const warm = (hue + 0.08 + random() * 0.26) % 1;
  const night = random() < 0.3;
  const sharp = random() < 0.5;
  const count = 3 + Math.floor(random() * (MOST_RIDGES - 3 + 1));
  const sunY = 0.18 + random() * 0.34;
  const ridges = Array.from({ length: count }, (_, index) => {
    const depth = (index + 1) / count;
    return {
      height: 0.42 + depth * 0.46,
      amplitude: 0.05 + random() * 0.13 * (1.15 - depth * 0.6),
      waves: Array.from({ length: 5 }, (_, octave) => ({
        frequency: (0.8 + random() * 1.4) * 2 ** octave,
        phase: random(),
        weight: (0.42 + random() * 0.16) ** octave,
      })),
      sharp,
    };
  });
  return {
    skyTop: hsl(hue, 0.55, night ? 0.1 : 0.34),
    skyBottom: hsl(warm, 0.7, night ? 0.46 : 0.8),
    sun: { x: 0.15 + random() * 0.7, y: sunY, radius: 0.05 + random() * 0.09, colour: hsl(warm, night ? 0.25 : 0.9, night ? 0.9 : 0.93) },
    ridges,
    near: hsl((hue + 0.04) % 1, 0.45, night ? 0.05 : 0.13),
    stars: night ? 140 : 0,
  };
}

/** Sky shades, sun shades, then the shades of each ridge from its crest down. */
function paletteOf(scene: Scene): number[] {
  const palette: number[] = [];
  for (let shade = 0; shade < SKY_SHADES; shade++) palette.push(packed(mixed(scene.skyTop, scene.skyBottom, shade / (SKY_SHADES - 1))));
  for (let shade = 0; shade < SUN_SHADES; shade++) {
    palette.push(packed(mixed([255, 255, 255], scene.sun.colour, shade / (SUN_SHADES - 1))));
  }
  scene.ridges.forEach((_, index) => {
    const depth = (index + 1) / scene.ridges.length;
    const crest = mixed(scene.skyBottom, scene.near, 0.22 + depth * 0.78);
    const foot = mixed(crest, scene.skyBottom, 0.34 * (1.1 - depth));
    for (let shade = 0; shade < RIDGE_SHADES; shade++) palette.push(packed(mixed(crest, foot, shade / (RIDGE_SHADES - 1))));
  });
  return palette;
}

/** The sky brightens downwards and towards the sun: the glow is a shift along the same shades, so it costs no colours. */
function paintSky(rows: Uint8Array, scene: Scene, width: number, height: number): void {
  const unit = Math.min(width, height);
  const centreX = scene.sun.x * width;
  const centreY = scene.sun.y * height;
  const radius = scene.sun.radius * unit;
  const reach = radius * 5;
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1) + 1;
    const base = Math.min(1, y / (height * 0.72)) ** 1.15 * (SKY_SHADES - 1);
    rows.fill(base, start, start + width);
    const deltaY = Math.abs(y - centreY);
    if (deltaY >= reach) continue;
    const half = Math.sqrt(reach * reach - deltaY * deltaY);
    const last = Math.min(width - 1, Math.floor(centreX + half));
    for (let x = Math.max(0, Math.ceil(centreX - half)); x <= last; x++) {
      const distance = Math.sqrt((x - centreX) ** 2 + deltaY * deltaY);
      rows[start + x] =
        distance < radius
          ? SKY_SHADES + Math.floor((distance / radius) * (SUN_SHADES - 1))
          : Math.min(SKY_SHADES - 1, base + (1 - (distance - radius) / (reach - radius)) ** 2.2 * SKY_SHADES * 0.55);
    }
  }
  paintStars(rows, scene, width, height);
}

function paintStars(rows: Uint8Array, scene: Scene, width: number, height: number): void {
  const size = Math.max(1, Math.round(Math.min(width, height) / 500));
  const random = chance(Math.round(scene.sun.x * 1e9));
  for (let star = 0; star < scene.stars; star++) {
    const left = Math.floor(random() * (width - size));
    const top = Math.floor(random() * height * 0.5);
    for (let y = top; y < Math.min(height, top + size); y++)
      rows.fill(SKY_SHADES, y * (width + 1) + 1 + left, y * (width + 1) + 1 + left + size);
  }
}

function horizonOf(ridge: Scene["ridges"][number], width: number, height: number): Int32Array {
  const span = Math.max(1, width / height);
  const line = new Int32Array(width);
  for (let x = 0; x < width; x++) {
    let rise = 0;
    for (const wave of ridge.waves) {
      const turn = (x / width) * wave.frequency * span + wave.phase;
      rise += wave.weight * (ridge.sharp ? 1 - 4 * Math.abs(turn - Math.floor(turn) - 0.5) : Math.sin(turn * 2 * Math.PI));
    }
    line[x] = Math.round((ridge.height - rise * ridge.amplitude * 0.6) * height);
  }
  return line;
}

function paintRidges(rows: Uint8Array, horizons: Int32Array[], width: number, height: number): void {
  const step = Math.max(1, (height * 0.3) / RIDGE_SHADES);
  const top = Math.max(0, Math.min(...horizons.map((line) => line.reduce((least, y) => Math.min(least, y), height))));
  for (let y = top; y < height; y++) {
    const start = y * (width + 1) + 1;
    for (let x = 0; x < width; x++) {
      for (let index = horizons.length - 1; index >= 0; index--) {
        const below = y - horizons[index]![x]!;
        if (below < 0) continue;
        rows[start + x] = SKY_SHADES + SUN_SHADES + index * RIDGE_SHADES + Math.min(RIDGE_SHADES - 1, Math.floor(below / step));
        break;
      }
    }
  }
}

function paintFrames({ rows, palette, width, height }: IndexedImage, frames: number[]): void {
  const thick = Math.max(2, Math.round(Math.min(width, height) * 0.018));
  frames.forEach((colour, index) => {
    const shade = palette.push(colour) - 1;
    const from = index * thick;
    for (let y = from; y < height - from; y++) {
      const start = y * (width + 1) + 1;
      if (y < from + thick || y >= height - from - thick) rows.fill(shade, start + from, start + width - from);
      else {
        rows.fill(shade, start + from, start + from + thick);
        rows.fill(shade, start + width - from - thick, start + width - from);
      }
    }
  });
}

/** The colour by which an input image shows itself in a frame: vivid, by its hash. */
export function frameColour(hash: number): number {
  return packed(hsl((hash % 997) / 997, 0.85, 0.56));
}

function mixed(from: number[], to: number[], share: number): number[] {
  return from.map((value, index) => value + (to[index]! - value) * share);
}

function packed([red, green, blue]: number[]): number {
  return (Math.round(red!) << 16) | (Math.round(green!) << 8) | Math.round(blue!);
}

function hsl(hue: number, saturation: number, lightness: number): number[] {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((offset) => {
    const position = (offset + hue * 12) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(position - 3, 9 - position, 1)));
  });
}
