// Takes the splash worker away again: serve this under the name that the worker was registered with.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(Promise.all([caches.delete("meaculpa"), registration.unregister()])));
