// Query keys in one place: what /v1/changes invalidates is named here.
export const keys = {
  me: ["me"] as const,
  today: ["today"] as const,
  accounts: ["accounts"] as const,
  networks: ["networks"] as const,
  sources: (accountId: string) => ["sources", accountId] as const,
  posts: (filter: Record<string, string>) => ["posts", filter] as const,
  allPosts: ["posts"] as const,
  post: (id: string) => ["post", id] as const,
  postPart: (id: string, part: "versions" | "attempts" | "metrics" | "history") =>
    ["post", id, part] as const,
  calendar: ["calendar"] as const,
  recurrences: ["recurrences"] as const,
  ideas: ["ideas"] as const,
  generations: ["generations"] as const,
  runs: ["runs"] as const,
  queues: ["queues"] as const,
  system: ["system"] as const,
  audit: ["audit"] as const,
};
