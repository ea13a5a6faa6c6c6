import parseTweet from "twitter-text/dist/esm/parseTweet";

/** The weighted length of a text by X's published rules (configuration v3, NFC first, a link is 23). */
export function weightedLength(text: string): number {
  return parseTweet(text).weightedLength;
}
