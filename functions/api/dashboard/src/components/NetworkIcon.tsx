import { IconBrandInstagram, IconBrandX } from "@tabler/icons-react";
import type { NetworkId } from "../api/model";
import { networkName } from "../lib/networks";

interface Props {
  network: NetworkId;
  size?: number;
  /** Says the network's name to those who do not see the icon. */
  named?: boolean;
}

/** The network's sign. */
export function NetworkIcon({ network, size = 16, named = false }: Props) {
  const Icon = network === "x" ? IconBrandX : IconBrandInstagram;
  return (
    <Icon
      size={size}
      {...(named ? { role: "img", "aria-label": networkName(network) } : { "aria-hidden": true })}
    />
  );
}
