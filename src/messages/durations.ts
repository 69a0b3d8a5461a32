import { isoSeconds } from '../handover/tokens.ts';

/** Milliseconds as people say them: `0.4 s`, `12 s`, `3 min`, `23 h 59 min`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds <= 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment in the future: the time, and how long until then. */
export function until(date: Date): string {
  return `${isoSeconds(date)} (in ${duration(date.getTime() - Date.now())})`;
}
