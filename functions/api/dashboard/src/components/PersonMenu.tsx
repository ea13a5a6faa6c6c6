import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconKeyboard, IconLogout, IconMoon, IconSelector, IconSun, IconSunMoon } from "@tabler/icons-react";
import type { Me } from "../api/model";
import { useSignOut } from "../api/session";
import { useOverlays } from "../lib/overlays";
import classes from "./PersonMenu.module.css";

export function PersonMenu({ me }: { me: Me }) {
  const signOut = useSignOut();
  const { openHelp } = useOverlays();
  return (
    <Menu position="top-start" width={216}>
      <Menu.Target>
        <button type="button" className={classes.person}>
          <span className={classes.face} aria-hidden>
            {me.person.name.charAt(0)}
          </span>
          <span className="clip">{me.person.name}</span>
          <IconSelector size={15} className={classes.more} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.person.email} · {me.role}
        </Menu.Label>
        <SchemeItems />
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={openHelp}>
          Keyboard shortcuts
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function SchemeItems() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const mark = (scheme: string) => (colorScheme === scheme ? <span aria-hidden>✓</span> : null);
  return (
    <>
      <Menu.Item
        leftSection={<IconSun size={16} />}
        rightSection={mark("light")}
        onClick={() => setColorScheme("light")}
      >
        Light
      </Menu.Item>
      <Menu.Item
        leftSection={<IconMoon size={16} />}
        rightSection={mark("dark")}
        onClick={() => setColorScheme("dark")}
      >
        Dark
      </Menu.Item>
      <Menu.Item
        leftSection={<IconSunMoon size={16} />}
        rightSection={mark("auto")}
        onClick={() => setColorScheme("auto")}
      >
        As the system
      </Menu.Item>
    </>
  );
}
