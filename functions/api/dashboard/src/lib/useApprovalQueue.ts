import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useNavigate } from "react-router";
import type { Account, Post, PostSummary } from "../api/model";
import { act, approve, postQuery, refreshLists, settle, usePostList } from "../api/posts";
import { asProblem } from "../api/problem";
import { now } from "./clock";
import { midSentence, shortTime, zoneWords } from "./time";
import { say, sayProblem } from "./toast";
import { asRequest, type When } from "./when";

export interface ApprovalQueue {
  posts: PostSummary[];
  pending: boolean;
  error: unknown;
  retry: () => void;
  current: PostSummary | undefined;
  index: number;
  step: (by: 1 | -1) => void;
  /** Sends the approval of exactly this content and moves on at once. */
  approveNow: (post: Post, when: When, account: Account | undefined) => void;
  /** Takes a decided post off the list and moves on. */
  moveOn: (id: string) => void;
}

/**
 * The posts that wait, one at a time. A decision leaves the list at once; when
 * the server refuses it the post comes back, with the reason.
 */
export function useApprovalQueue(id: string | undefined, open: (id: string | null) => void): ApprovalQueue {
  const list = usePostList({ state: "awaiting_approval" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const [leaving, setLeaving] = useState<ReadonlySet<string>>(new Set());
  const posts = useMemo(
    () => (list.data?.pages ?? []).flatMap((p) => p.items).filter((p) => !leaving.has(p.id)),
    [list.data, leaving],
  );
  const found = posts.findIndex((p) => p.id === id);
  const index = found === -1 ? 0 : found;
  const current = id && found === -1 ? undefined : posts[index];

  const next = posts[index + 1];
  useEffect(() => {
    if (next) client.query(postQuery(next.id)).catch(() => undefined);
  }, [client, next]);

  const step = (by: 1 | -1) => {
    const to = posts[Math.min(posts.length - 1, Math.max(0, id && found === -1 ? 0 : index + by))];
    if (to && to.id !== id) open(to.id);
  };
  const moveOn = (decided: string) => {
    setLeaving((s) => new Set(s).add(decided));
    const at = posts.findIndex((p) => p.id === decided);
    const rest = posts.filter((p) => p.id !== decided);
    open(rest[Math.min(Math.max(at, 0), rest.length - 1)]?.id ?? null);
  };
  const bringBack = (undecided: string) =>
    setLeaving((s) => {
      const left = new Set(s);
      left.delete(undecided);
      return left;
    });

  const undo = async (approved: Post) => {
    try {
      settle(client, await act(approved.id, "unschedule"));
      bringBack(approved.id);
      say("Taken off the schedule", {
        body: "It has no time now and does not go out.",
        act: { label: "Open it", run: () => void navigate(`/posts/${approved.id}`) },
      });
    } catch (error) {
      sayProblem(error, "It could not be taken back");
    }
  };
  const approveNow = (post: Post, when: When, account: Account | undefined) => {
    moveOn(post.id);
    approve({ post, when: asRequest(when, post) }).then(
      (approved) => {
        settle(client, approved);
        const zone = approved.due_zone ?? account?.time_zone ?? "UTC";
        const at = approved.due_at;
        const title =
          when.kind === "now" || !at
            ? `Approved. @${post.account.handle} sends it now`
            : `Approved for ${midSentence(shortTime(at, zone, now()))} ${zoneWords(zone, at)}`;
        const body = approved.schedule_note ?? undefined;
        say(title, {
          body,
          act:
            when.kind === "now"
              ? { label: "Watch it go out", run: () => void navigate(`/posts/${approved.id}`) }
              : { label: "Undo", run: () => void undo(approved) },
        });
      },
      (error: unknown) => {
        // A post someone else decided stays gone; everything else comes back to be looked at.
        if (asProblem(error).code !== "already_decided") bringBack(post.id);
        sayProblem(error, `Not approved: “${post.text.slice(0, 40)}…”`);
        refreshLists(client);
        void client.invalidateQueries({ queryKey: postQuery(post.id).queryKey });
      },
    );
  };

  return {
    posts,
    pending: list.isPending,
    error: list.isError && !list.data ? list.error : null,
    retry: () => void list.refetch(),
    current,
    index,
    step,
    approveNow,
    moveOn,
  };
}
