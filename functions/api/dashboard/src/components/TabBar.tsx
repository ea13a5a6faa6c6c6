import { Menu } from "@mantine/core";
import {
  IconBulb,
  IconCalendar,
  IconChecks,
  IconDots,
  IconFileText,
  IconHistory,
  IconLogout,
  IconPencilPlus,
  IconServer2,
  IconSettings,
  IconSparkles,
  IconSun,
  IconUsers,
  IconWorld,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, NavLink } from "react-router";
import type { Me } from "../api/model";
import { useSignOut } from "../api/session";
import { useToday } from "../api/workspace";
import { useOverlays } from "../lib/overlays";
import { SchemeItems } from "./PersonMenu";
import classes from "./TabBar.module.css";

/** The phone's navigation, in reach of the thumb. */
export function TabBar({ me }: { me: Me }) {
  const waiting = useToday().data?.needs_me.awaiting_approval.count ?? 0;
  const { openGenerate } = useOverlays();
  const signOut = useSignOut();
  return (
    <nav className={classes.bar} aria-label="Main">
      <Tab to="/" icon={<IconSun size={21} />}>
        Today
      </Tab>
      <Tab to="/approvals" icon={<IconChecks size={21} />} count={waiting}>
        Approvals
      </Tab>
      <Tab to="/compose" icon={<IconPencilPlus size={21} />}>
        Compose
      </Tab>
      <Tab to="/calendar" icon={<IconCalendar size={21} />}>
        Calendar
      </Tab>
      <Menu position="top-end" width={230}>
        <Menu.Target>
          <button type="button" className={classes.tab}>
            <IconDots size={21} aria-hidden />
            More
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconSparkles size={17} />} onClick={() => openGenerate()}>
            Generate drafts
          </Menu.Item>
          <Menu.Item component={Link} to="/posts" leftSection={<IconFileText size={17} />}>
            Posts
          </Menu.Item>
          <Menu.Item component={Link} to="/ideas" leftSection={<IconBulb size={17} />}>
            Ideas
          </Menu.Item>
          <Menu.Item component={Link} to="/accounts" leftSection={<IconUsers size={17} />}>
            Accounts
          </Menu.Item>
          <Menu.Item component={Link} to="/activity" leftSection={<IconHistory size={17} />}>
            Activity
          </Menu.Item>
          <Menu.Item component={Link} to="/system" leftSection={<IconServer2 size={17} />}>
            System
          </Menu.Item>
          <Menu.Item component={Link} to="/settings" leftSection={<IconSettings size={17} />}>
            Settings
          </Menu.Item>
          {me.links.simulated_networks.map((n) => (
            <Menu.Item
              key={n.name}
              component="a"
              href={n.url}
              target="_blank"
              rel="noreferrer"
              leftSection={<IconWorld size={17} />}
            >
              Simulated {n.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <SchemeItems />
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={17} />} onClick={() => signOut.mutate()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </nav>
  );
}

function Tab({
  to,
  icon,
  children,
  count,
}: {
  to: string;
  icon: ReactNode;
  children: string;
  count?: number;
}) {
  return (
    <NavLink to={to} end={to === "/"} className={classes.tab}>
      {icon}
      {children}
      {count !== undefined && count > 0 && (
        <span className={classes.count}>
          {count}
          <span className="sr"> waiting</span>
        </span>
      )}
    </NavLink>
  );
}
