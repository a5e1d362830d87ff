// Segment's browser client as a site bundles it from npm.
import { AnalyticsBrowser } from "next"
window.AnalyticsBrowser = AnalyticsBrowser
