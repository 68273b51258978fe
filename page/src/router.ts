/** The page's addresses; the gateway answers each with the same document (gateway/page.py). */
import { nextTick, watch } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { language, t, type TextKey } from "./i18n";
import SubmitView from "./views/SubmitView.vue";

declare module "vue-router" {
  interface RouteMeta {
    title?: TextKey;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", name: "submit", component: SubmitView, meta: { title: "nav.submit" } },
    { path: "/jobs", name: "jobs", component: () => import("./views/JobsView.vue"), meta: { title: "nav.jobs" } },
    {
      path: "/jobs/:id",
      name: "job",
      component: () => import("./views/JobView.vue"),
      props: true,
      meta: { title: "nav.job" },
    },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

watch([() => router.currentRoute.value.fullPath, language], () => {
  const { meta, params } = router.currentRoute.value;
  const job = typeof params.id === "string" ? ` ${params.id.slice(0, 8)}` : "";
  document.title = meta.title ? `${t(meta.title)}${job} · Tracestream` : "Tracestream";
});

// A screen reader hears where it is when the page changes without a load.
router.afterEach((to, from) => {
  if (from.name && to.path !== from.path) void nextTick(() => document.getElementById("main")?.focus());
});
