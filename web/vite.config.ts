import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  // `npm run dev` asks the mock for the API, or a real server that listens there.
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:8099' } },
  build: {
    // The policy lets nothing but files of this host be loaded, so nothing may become a data: URI or inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
});
