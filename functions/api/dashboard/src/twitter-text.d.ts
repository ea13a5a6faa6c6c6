// The one entry used, imported by its path so that the rest stays out of the bundle.
declare module "twitter-text/dist/esm/parseTweet" {
  export default function parseTweet(text: string): { weightedLength: number; valid: boolean };
}
