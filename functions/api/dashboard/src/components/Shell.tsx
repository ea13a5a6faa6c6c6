import { Button, Tooltip } from "@mantine/core";
import {
  IconCalendar,
  IconChecks,
  IconFileText,
  IconBulb,
  IconHistory,
  IconPencilPlus,
  IconPlayerPause,
  IconSearch,
  IconServer2,
  IconSettings,
  IconSun,
  IconUsers,
  IconWorld,
} from "@tabler/icons-react";
import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { Link, Navigate, NavLink, Outlet, ScrollRestoration, useLocation, useNavigate } from "react-router";
import { useAccounts } from "../api/accounts";
import { useLiveUpdates } from "../api/changes";
import type { Account, Me, PostSummary } from "../api/model";
import { asProblem } from "../api/problem";
import { useMe } from "../api/session";
import { useToday } from "../api/workspace";
import { OverlaysContext, type Overlays } from "../lib/overlays";
import { useKeys } from "../lib/useKeys";
import { AccountMark } from "./AccountMark";
import { ProblemNote } from "./Empty";
import { Key } from "./Key";
import { PersonMenu } from "./PersonMenu";
import classes from "./Shell.module.css";
import { TabBar } from "./TabBar";

const Palette = lazy(() => import("./Palette"));
const GenerateDialog = lazy(() => import("./GenerateDialog"));
const MoveDialog = lazy(() => import("./MoveDialog"));
const HelpDialog = lazy(() => import("./HelpDialog"));

type Open =
  | { kind: "palette" | "help" }
  | { kind: "generate"; accountId?: string }
  | { kind: "move"; post: PostSummary };

export function Shell() {
  const me = useMe();
  const location = useLocation();
  if (me.isPending) return <Waiting />;
  if (me.isError) {
    if (asProblem(me.error).status === 401) {
      return <Navigate to="/sign-in" replace state={{ back: location.pathname + location.search }} />;
    }
    return (
      <main className={classes.alone}>
        <h1 className="sr">Rostrum</h1>
        <ProblemNote error={me.error} onRetry={() => void me.refetch()} />
      </main>
    );
  }
  return <Frame me={me.data} />;
}

function Waiting() {
  return (
    <div className={classes.frame} aria-busy>
      <div className={classes.side} />
      <main className={classes.main}>
        <h1 className="sr">Rostrum is loading</h1>
      </main>
    </div>
  );
}

function Frame({ me }: { me: Me }) {
  const [open, setOpen] = useState<Open | null>(null);
  const navigate = useNavigate();
  const { behind } = useLiveUpdates(true);
  const overlays = useMemo<Overlays>(
    () => ({
      openPalette: () => setOpen({ kind: "palette" }),
      openHelp: () => setOpen({ kind: "help" }),
      openGenerate: (accountId) =>
        setOpen(accountId ? { kind: "generate", accountId } : { kind: "generate" }),
      openMove: (post) => setOpen({ kind: "move", post }),
    }),
    [],
  );
  const go = (to: string) => () => void navigate(to);
  useKeys({
    "mod+k": () => setOpen((o) => (o?.kind === "palette" ? null : { kind: "palette" })),
    "?": overlays.openHelp,
    c: go("/compose"),
    n: () => overlays.openGenerate(),
    "g t": go("/"),
    "g a": go("/approvals"),
    "g c": go("/calendar"),
    "g p": go("/posts"),
    "g i": go("/ideas"),
    "g u": go("/accounts"),
    "g h": go("/activity"),
    "g y": go("/system"),
    "g s": go("/settings"),
  });
  const close = () => setOpen(null);
  return (
    <OverlaysContext.Provider value={overlays}>
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <div className={classes.frame}>
        <Side me={me} overlays={overlays} />
        <main className={classes.main} id="content" tabIndex={-1}>
          {me.workspace.paused && <PausedBanner reason={me.workspace.pause_reason} />}
          {behind && (
            <p className={classes.behind} role="status">
              The connection is gone for the moment. What you see may be old; Rostrum keeps trying.
            </p>
          )}
          <Outlet />
        </main>
        <TabBar me={me} />
      </div>
      <Suspense fallback={null}>
        {open?.kind === "palette" && <Palette onClose={close} />}
        {open?.kind === "help" && <HelpDialog onClose={close} />}
        {open?.kind === "generate" && <GenerateDialog onClose={close} accountId={open.accountId} />}
        {open?.kind === "move" && <MoveDialog onClose={close} post={open.post} />}
      </Suspense>
      <ScrollRestoration />
    </OverlaysContext.Provider>
  );
}

function PausedBanner({ reason }: { reason: string }) {
  return (
    <div className={classes.paused} role="status">
      <IconPlayerPause size={16} aria-hidden />
      <span>
        <strong>Everything is paused.</strong> {reason} Nothing goes out until it is resumed.
      </span>
      <Link to="/settings" className={classes.pausedLink}>
        Open settings
      </Link>
    </div>
  );
}

function Side({ me, overlays }: { me: Me; overlays: Overlays }) {
  const waiting = useToday().data?.needs_me.awaiting_approval.count ?? 0;
  const accounts = useAccounts().data;
  return (
    <nav className={classes.side} aria-label="Main">
      <div className={classes.brand}>
        <Mark />
        <span className="clip" title={me.workspace.name}>
          {me.demo ? me.workspace.name.replace(/\s*\(demo\)$/i, "") : me.workspace.name}
        </span>
        {me.demo && <span className={classes.demo}>Demo</span>}
      </div>
      <div className={classes.quick}>
        <Button
          component={Link}
          to="/compose"
          fullWidth
          leftSection={<IconPencilPlus size={16} />}
          justify="flex-start"
        >
          Compose
        </Button>
        <Tooltip label="Search and commands (Ctrl or Cmd K)">
          <button
            type="button"
            className={classes.find}
            onClick={overlays.openPalette}
            aria-label="Search and commands"
          >
            <IconSearch size={16} />
          </button>
        </Tooltip>
      </div>
      <div className={classes.links}>
        <Item to="/" icon={<IconSun size={17} />} keys="G T">
          Today
        </Item>
        <Item to="/approvals" icon={<IconChecks size={17} />} count={waiting} keys="G A">
          Approvals
        </Item>
        <Item to="/calendar" icon={<IconCalendar size={17} />} keys="G C">
          Calendar
        </Item>
        <Item to="/posts" icon={<IconFileText size={17} />} keys="G P">
          Posts
        </Item>
        <Item to="/ideas" icon={<IconBulb size={17} />} keys="G I">
          Ideas
        </Item>
      </div>
      <AccountLinks accounts={accounts} />
      <div className={classes.foot}>
        {me.links.simulated_networks.map((n) => (
          <a key={n.name} href={n.url} target="_blank" rel="noreferrer" className={classes.item}>
            <IconWorld size={17} />
            <span className="clip">Simulated {n.name}</span>
            <span className="sr">(opens a new tab)</span>
          </a>
        ))}
        <Item to="/activity" icon={<IconHistory size={17} />} keys="G H">
          Activity
        </Item>
        <Item to="/system" icon={<IconServer2 size={17} />} keys="G Y">
          System
        </Item>
        <Item to="/settings" icon={<IconSettings size={17} />} keys="G S">
          Settings
        </Item>
        <PersonMenu me={me} />
      </div>
    </nav>
  );
}

function AccountLinks({ accounts }: { accounts: Account[] | undefined }) {
  return (
    <div className={classes.group}>
      <div className={classes.groupHead}>
        <NavLink to="/accounts" end className={classes.groupTitle}>
          <IconUsers size={14} aria-hidden />
          Accounts
        </NavLink>
      </div>
      {accounts?.slice(0, 8).map((a) => (
        <NavLink key={a.id} to={`/accounts/${a.id}`} className={classes.item}>
          <AccountMark account={a} size={18} />
          <span className="clip">@{a.handle}</span>
          {a.status !== "connected" ? (
            <span className={classes.flag} data-tone="red">
              Reconnect
            </span>
          ) : a.paused ? (
            <span className={classes.flag}>Paused</span>
          ) : null}
        </NavLink>
      ))}
      {accounts && accounts.length > 8 && (
        <Link to="/accounts" className={classes.item}>
          <span className="muted">{accounts.length - 8} more</span>
        </Link>
      )}
    </div>
  );
}

interface ItemProps {
  to: string;
  icon: ReactNode;
  children: string;
  count?: number;
  keys?: string;
}

function Item({ to, icon, children, count, keys }: ItemProps) {
  return (
    <NavLink to={to} end={to === "/"} className={classes.item}>
      {icon}
      <span className="clip">{children}</span>
      {count !== undefined && count > 0 ? (
        <span className={classes.count}>
          {count}
          <span className="sr"> waiting</span>
        </span>
      ) : (
        keys && (
          <span className={classes.hint} aria-hidden>
            {keys.split(" ").map((k) => (
              <Key key={k}>{k}</Key>
            ))}
          </span>
        )
      )}
    </NavLink>
  );
}

export function Mark() {
  return <img src="/mark.svg" alt="" width={24} height={24} className={classes.logo} />;
}
