/** What each chart shows, for Chart.js. */
import { compact, count, percent } from "../format";
import { language, t } from "../i18n";
import type { ChartConfiguration, Palette } from "./chart";
import type { Figures } from "./msd";

const LABEL = 22;

/** A group's name; the one without is named by what it stands for. */
export function named(figures: Figures): string {
  return figures.name ?? t("analysis.unnamed");
}

export function shortened(text: string): string {
  return text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text;
}

function number(value: number): string {
  return count(language.value, value);
}

function rate(value: number | null): string {
  return percent(language.value, value, 3);
}

function tooltip(colours: Palette, titles: string[], lines: (place: number) => string[]) {
  return {
    backgroundColor: "#1e262f",
    borderColor: colours.line,
    borderWidth: 1,
    padding: 10,
    displayColors: false,
    callbacks: {
      title: (items: { dataIndex: number }[]) => titles[items[0]?.dataIndex ?? 0] ?? "",
      label: (item: { dataIndex: number }) => lines(item.dataIndex),
    },
  };
}

function axis(colours: Palette, ticks: object = {}, grid = true) {
  return {
    border: { color: colours.line },
    grid: { display: grid, color: colours.line },
    ticks: { color: colours.ink, ...ticks },
  };
}

function titled(colours: Palette, text: string) {
  return { display: true, text, color: colours.ink };
}

export function paretoChart(reasons: { figures: Figures; running: number }[], colours: Palette): ChartConfiguration {
  const titles = reasons.map((one) => named(one.figures));
  return {
    type: "bar",
    data: {
      labels: titles.map(shortened),
      datasets: [
        {
          type: "line",
          label: t("analysis.running"),
          data: reasons.map((one) => one.running),
          yAxisID: "share",
          borderColor: colours.curve,
          backgroundColor: colours.curve,
          borderWidth: 2,
          pointRadius: 2.5,
        },
        {
          type: "bar",
          label: t("analysis.defects"),
          data: reasons.map((one) => one.figures.defect_qty),
          backgroundColor: colours.bar,
          borderRadius: 2,
          maxBarThickness: 34,
        },
      ],
    },
    options: {
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { align: "end", labels: { color: colours.ink, boxWidth: 12, boxHeight: 3 } },
        tooltip: {
          ...tooltip(colours, titles, (place) => [
            `${t("analysis.defects")}: ${number(reasons[place]?.figures.defect_qty ?? 0)}`,
            `${t("analysis.running")}: ${percent(language.value, reasons[place]?.running ?? 0, 1)}`,
          ]),
          filter: (item) => item.datasetIndex === 1,
        },
      },
      scales: {
        x: axis(colours, { maxRotation: 40, autoSkip: false }, false),
        y: axis(colours, { callback: (value: string | number) => compact(language.value, Number(value)) }),
        share: {
          ...axis(colours, { callback: (value: string | number) => percent(language.value, Number(value), 0) }, false),
          position: "right",
          min: 0,
          max: 1,
        },
      },
    },
  };
}

export function rateChart(groups: Figures[], colours: Palette): ChartConfiguration {
  const titles = groups.map(named);
  return {
    type: "bar",
    data: {
      labels: titles.map(shortened),
      datasets: [
        { data: groups.map((one) => one.defect_rate), backgroundColor: colours.bar, borderRadius: 2, maxBarThickness: 16 },
      ],
    },
    options: {
      indexAxis: "y",
      plugins: {
        legend: { display: false },
        tooltip: tooltip(colours, titles, (place) => lines(groups[place])),
      },
      scales: {
        x: {
          ...axis(colours, { callback: (value: string | number) => percent(language.value, Number(value), 2), maxTicksLimit: 6 }),
          title: titled(colours, t("analysis.defect_rate")),
        },
        y: axis(colours, { autoSkip: false }, false),
      },
    },
  };
}

export function trendChart(days: Figures[], colours: Palette): ChartConfiguration {
  const titles = days.map(named);
  return {
    type: "bar",
    data: {
      labels: titles,
      datasets: [
        {
          type: "line",
          label: t("analysis.defect_rate"),
          data: days.map((one) => one.defect_rate),
          yAxisID: "rate",
          borderColor: colours.curve,
          backgroundColor: colours.curve,
          borderWidth: 1.8,
          pointRadius: 0,
          pointHitRadius: 8,
          tension: 0.25,
        },
        { type: "bar", label: t("analysis.defects"), data: days.map((one) => one.defect_qty), backgroundColor: colours.bar },
      ],
    },
    options: {
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { align: "end", labels: { color: colours.ink, boxWidth: 12, boxHeight: 3 } },
        tooltip: {
          ...tooltip(colours, titles, (place) => lines(days[place])),
          filter: (item) => item.datasetIndex === 1,
        },
      },
      scales: {
        x: axis(colours, { maxTicksLimit: 12, maxRotation: 0 }, false),
        y: axis(colours, { callback: (value: string | number) => compact(language.value, Number(value)) }),
        rate: {
          ...axis(colours, { callback: (value: string | number) => percent(language.value, Number(value), 2) }, false),
          position: "right",
          min: 0,
        },
      },
    },
  };
}

function lines(figures: Figures | undefined): string[] {
  if (!figures) return [];
  return [
    `${t("analysis.defect_rate")}: ${rate(figures.defect_rate)}`,
    `${t("analysis.defects")}: ${number(figures.defect_qty)}`,
    `${t("analysis.input")}: ${number(figures.input_qty)}`,
    `${t("analysis.passes")}: ${number(figures.passes)}`,
  ];
}
