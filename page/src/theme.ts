/** Light, dark, or what the system says; kept in the browser. */
import { ref, watchEffect } from "vue";

export type Theme = "system" | "light" | "dark";
const KEY = "tracestream.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export const theme = ref<Theme>(stored());

/** Whether the page is dark now; charts, which can't read CSS, follow it. */
export const dark = ref(false);

const system = matchMedia("(prefers-color-scheme: dark)");
system.addEventListener("change", apply);
watchEffect(apply);

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  localStorage.setItem(KEY, theme.value);
}

function apply(): void {
  const chosen = theme.value;
  dark.value = chosen === "dark" || (chosen === "system" && system.matches);
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
}

function stored(): Theme {
  const value = localStorage.getItem(KEY) as Theme | null;
  return value && THEMES.includes(value) ? value : "system";
}
