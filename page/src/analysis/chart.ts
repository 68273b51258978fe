/** Chart.js with the parts that are drawn here, and a look that follows the page's. Loaded when the first chart is. */
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";

Chart.register(BarController, BarElement, CategoryScale, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip);
Chart.defaults.font.family = getComputedStyle(document.documentElement).getPropertyValue("--sans") || "sans-serif";
Chart.defaults.font.size = 11.5;
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;

export { Chart };
export type { ChartConfiguration } from "chart.js";

export interface Palette {
  ink: string;
  line: string;
  bar: string;
  curve: string;
  raised: string;
}

export function palette(dark: boolean): Palette {
  return dark
    ? { ink: "#a3b0bc", line: "#2a343f", bar: "#3f8fc0", curve: "#e7b15c", raised: "#1e262f" }
    : { ink: "#4c5a67", line: "#e3e8ec", bar: "#2f7fae", curve: "#b06a00", raised: "#ffffff" };
}
