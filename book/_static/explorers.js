// Tell require.js where the page keeps its modules, so that nothing is looked for on a network.
const vendor = new URL("vendor", document.currentScript.src).href;
requirejs.config({
  paths: {
    anywidget: `${vendor}/anywidget`,
    // Modules of one file, embed-amd.js: they look for their font beside themselves.
    "@jupyter-widgets": vendor,
    "@jupyter-widgets/html-manager/dist": vendor,
  },
});
