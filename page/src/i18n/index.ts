/**
 * Two languages, no compiler: a text is a string with {places}, and the types make sure that both languages have every one.
 * (vue-i18n compiles messages with `new Function`, which the page's policy forbids.)
 */
import { ref, watchEffect } from "vue";
import { en } from "./en";
import { zhHant } from "./zh-Hant";

export type Texts = typeof en;
export type TextKey = keyof Texts;
export type Language = "en" | "zh-Hant";

const KEY = "tracestream.language";
const TEXTS: Record<Language, Record<TextKey, string>> = { en, "zh-Hant": zhHant };

export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "zh-Hant", name: "繁體中文" },
];

export const language = ref<Language>(first());

watchEffect(() => {
  document.documentElement.lang = language.value;
});

export function setLanguage(code: Language): void {
  language.value = code;
  localStorage.setItem(KEY, code);
}

/** The text of a key, with its places filled in. */
export function t(key: TextKey, places?: Record<string, string | number>): string {
  const text = TEXTS[language.value][key];
  return places ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(places[name] ?? whole)) : text;
}

function first(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "zh-Hant") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh-Hant" : "en";
}
