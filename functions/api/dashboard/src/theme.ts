import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const pine: MantineColorsTuple = [
  "#e6f4f2",
  "#cfe8e4",
  "#a3d3cc",
  "#72bdb3",
  "#46c2b4",
  "#1f9488",
  "#12807a",
  "#0b6e68",
  "#085a55",
  "#064743",
];

const ink: MantineColorsTuple = [
  "#f7f7f5",
  "#f1f1ee",
  "#e4e4df",
  "#d3d3cc",
  "#b3b4ac",
  "#8a8d85",
  "#6b6e66",
  "#4b4e47",
  "#2f312d",
  "#1c1d1a",
];

const night: MantineColorsTuple = [
  "#ececea",
  "#c9ccc7",
  "#a3a7a1",
  "#8b908a",
  "#3f4441",
  "#2c302e",
  "#222624",
  "#191b1a",
  "#121413",
  "#0c0e0d",
];

const danger: MantineColorsTuple = [
  "#fde7ea",
  "#fbd0d6",
  "#f7a3ae",
  "#f07f8d",
  "#ff8fa0",
  "#d43a56",
  "#c1264a",
  "#b3193c",
  "#971333",
  "#7b0f2a",
];

export const theme = createTheme({
  primaryColor: "pine",
  primaryShade: { light: 7, dark: 4 },
  autoContrast: true,
  luminanceThreshold: 0.3,
  colors: { pine, gray: ink, dark: night, danger },
  black: "#1c1d1a",
  fontFamily: '"Inter Variable", "Inter Fallback", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace',
  fontSizes: { xs: "12px", sm: "13.5px", md: "14.5px", lg: "16px", xl: "18px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.5" },
  defaultRadius: "7px",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  headings: { fontWeight: "620" },
  components: {
    Button: { defaultProps: { size: "sm", variant: "filled" } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, fz: "xs", color: "dark.6", c: "#f4f4f2" } },
    Modal: {
      defaultProps: {
        centered: false,
        yOffset: "10vh",
        radius: "12px",
        overlayProps: { backgroundOpacity: 0.45 },
      },
    },
    Menu: { defaultProps: { shadow: "md", radius: "9px" } },
    TextInput: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm", allowDeselect: false } },
  },
});

// Mantine's own surfaces follow the product's variables (styles/base.css).
export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    "--mantine-color-body": "var(--r-surface)",
    "--mantine-color-text": "var(--r-text)",
    "--mantine-color-dimmed": "var(--r-muted)",
    "--mantine-color-default": "var(--r-surface)",
    "--mantine-color-default-hover": "var(--r-sunken)",
    "--mantine-color-default-color": "var(--r-text)",
    "--mantine-color-default-border": "var(--r-line-strong)",
    "--mantine-color-placeholder": "var(--r-faint)",
    "--mantine-color-anchor": "var(--r-accent)",
    "--mantine-color-error": "var(--r-red)",
  };
  return { variables: {}, light: shared, dark: shared };
};
