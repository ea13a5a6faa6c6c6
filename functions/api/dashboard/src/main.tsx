import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import "./styles/mantine.css";
import "./styles/base.css";
import { keys } from "./api/keys";
import { asProblem } from "./api/problem";
import { router } from "./app";
import { cssVariables, theme } from "./theme";

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session that ended shows the sign-in page once, instead of an error on every panel.
    onError: (error, query) => {
      if (asProblem(error).status === 401 && query.queryKey[0] !== "me") {
        void client.invalidateQueries({ queryKey: keys.me });
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => {
        const { status } = asProblem(error);
        return failures < 2 && (status === 0 || status >= 500);
      },
    },
  },
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
          <Notifications position="bottom-right" limit={4} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
