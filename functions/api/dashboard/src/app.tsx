import { createBrowserRouter, type LazyRouteFunction, type RouteObject } from "react-router";
import { PageCrash } from "./components/PageCrash";
import { Shell } from "./components/Shell";

type Lazy = LazyRouteFunction<RouteObject>;

/** Each page is its own chunk. */
function page(load: () => Promise<{ default: React.ComponentType }>): Lazy {
  return async () => ({ Component: (await load()).default });
}

export const router = createBrowserRouter([
  {
    path: "/sign-in",
    lazy: page(() => import("./routes/sign-in")),
    ErrorBoundary: PageCrash,
    HydrateFallback: () => null,
  },
  {
    path: "/",
    Component: Shell,
    HydrateFallback: () => null,
    children: [
      {
        ErrorBoundary: PageCrash,
        children: [
          { index: true, lazy: page(() => import("./routes/today")) },
          { path: "approvals", lazy: page(() => import("./routes/approvals")) },
          { path: "approvals/:id", lazy: page(() => import("./routes/approvals")) },
          { path: "calendar", lazy: page(() => import("./routes/calendar")) },
          { path: "compose", lazy: page(() => import("./routes/compose")) },
          { path: "posts", lazy: page(() => import("./routes/posts")) },
          { path: "posts/:id", lazy: page(() => import("./routes/post")) },
          { path: "posts/:id/edit", lazy: page(() => import("./routes/compose")) },
          { path: "ideas", lazy: page(() => import("./routes/ideas")) },
          { path: "accounts", lazy: page(() => import("./routes/accounts")) },
          { path: "accounts/:id", lazy: page(() => import("./routes/account")) },
          { path: "activity", lazy: page(() => import("./routes/activity")) },
          { path: "system", lazy: page(() => import("./routes/system")) },
          { path: "settings", lazy: page(() => import("./routes/settings")) },
          { path: "*", lazy: page(() => import("./routes/not-found")) },
        ],
      },
    ],
  },
]);
