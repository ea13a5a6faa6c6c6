import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// With ROSTRUM_API set, /v1 goes to a running stack; without it the dev server
// answers from an in-memory mock, so that pages can be worked on alone. The mock lives in dev/ and never enters the bundle.
const target = process.env.ROSTRUM_API;

function mock(): Plugin {
  return {
    name: "rostrum-mock",
    async configureServer(server) {
      if (target) return;
      const { mockMiddleware } = await import("./dev/server.ts");
      server.middlewares.use(mockMiddleware());
    },
  };
}

/** Keeps each script, style and picture of words in its gzip form alone: spa.go unpacks it for those who need that. */
function pack(): Plugin {
  return {
    name: "rostrum-pack",
    apply: "build",
    writeBundle(options, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const content = Buffer.from(file.type === "chunk" ? file.code : file.source);
        if (content.length < 1024) continue;
        const path = join(options.dir ?? "dist", name);
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        rmSync(path);
      }
    },
  };
}

const proxy = target ? { "/v1": { target, changeOrigin: false } } : undefined;

export default defineConfig({
  plugins: [react(), mock(), pack()],
  server: { port: 5173, proxy },
  resolve: {
    alias: {
      "@tabler/icons-react": "@tabler/icons-react/dist/esm/icons/index.mjs",
    },
  },
  build: {
    target: "es2022",
    assetsInlineLimit: 2048,
    chunkSizeWarningLimit: 500,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // React and its DOM half must run before anything that imports them; left to
          // itself the bundler cuts react-dom in two chunks that import each other.
          groups: [{ name: "react", test: /node_modules[\\/](react|react-dom|scheduler|react-router)[\\/]/ }],
        },
      },
    },
  },
});
