// Icons of the admin by our names, from lucide (ISC): a file of the package for each, so that only these are built in.
import archive from "lucide/dist/esm/icons/archive.mjs";
import arrowLeftRight from "lucide/dist/esm/icons/arrow-left-right.mjs";
import bell from "lucide/dist/esm/icons/bell.mjs";
import braces from "lucide/dist/esm/icons/braces.mjs";
import calendar from "lucide/dist/esm/icons/calendar.mjs";
import chartColumn from "lucide/dist/esm/icons/chart-column.mjs";
import check from "lucide/dist/esm/icons/check.mjs";
import chevronDown from "lucide/dist/esm/icons/chevron-down.mjs";
import chevronLeft from "lucide/dist/esm/icons/chevron-left.mjs";
import chevronRight from "lucide/dist/esm/icons/chevron-right.mjs";
import circleAlert from "lucide/dist/esm/icons/circle-alert.mjs";
import circleCheck from "lucide/dist/esm/icons/circle-check.mjs";
import circleMinus from "lucide/dist/esm/icons/circle-minus.mjs";
import circleQuestionMark from "lucide/dist/esm/icons/circle-question-mark.mjs";
import circleSlash from "lucide/dist/esm/icons/circle-slash.mjs";
import circleUser from "lucide/dist/esm/icons/circle-user.mjs";
import clapperboard from "lucide/dist/esm/icons/clapperboard.mjs";
import clock4 from "lucide/dist/esm/icons/clock-4.mjs";
import cloud from "lucide/dist/esm/icons/cloud.mjs";
import coins from "lucide/dist/esm/icons/coins.mjs";
import columns2 from "lucide/dist/esm/icons/columns-2.mjs";
import copy from "lucide/dist/esm/icons/copy.mjs";
import download from "lucide/dist/esm/icons/download.mjs";
import ellipsis from "lucide/dist/esm/icons/ellipsis.mjs";
import externalLink from "lucide/dist/esm/icons/external-link.mjs";
import film from "lucide/dist/esm/icons/film.mjs";
import heartPulse from "lucide/dist/esm/icons/heart-pulse.mjs";
import idCard from "lucide/dist/esm/icons/id-card.mjs";
import image from "lucide/dist/esm/icons/image.mjs";
import images from "lucide/dist/esm/icons/images.mjs";
import info from "lucide/dist/esm/icons/info.mjs";
import keyRound from "lucide/dist/esm/icons/key-round.mjs";
import layoutDashboard from "lucide/dist/esm/icons/layout-dashboard.mjs";
import listFilter from "lucide/dist/esm/icons/list-filter.mjs";
import loaderCircle from "lucide/dist/esm/icons/loader-circle.mjs";
import lockKeyhole from "lucide/dist/esm/icons/lock-keyhole.mjs";
import logOut from "lucide/dist/esm/icons/log-out.mjs";
import menu from "lucide/dist/esm/icons/menu.mjs";
import messageCircle from "lucide/dist/esm/icons/message-circle.mjs";
import monitor from "lucide/dist/esm/icons/monitor.mjs";
import moon from "lucide/dist/esm/icons/moon.mjs";
import octagonX from "lucide/dist/esm/icons/octagon-x.mjs";
import pause from "lucide/dist/esm/icons/pause.mjs";
import pencil from "lucide/dist/esm/icons/pencil.mjs";
import play from "lucide/dist/esm/icons/play.mjs";
import plus from "lucide/dist/esm/icons/plus.mjs";
import rotateCw from "lucide/dist/esm/icons/rotate-cw.mjs";
import search from "lucide/dist/esm/icons/search.mjs";
import send from "lucide/dist/esm/icons/send.mjs";
import server from "lucide/dist/esm/icons/server.mjs";
import slidersHorizontal from "lucide/dist/esm/icons/sliders-horizontal.mjs";
import smartphone from "lucide/dist/esm/icons/smartphone.mjs";
import sparkles from "lucide/dist/esm/icons/sparkles.mjs";
import sun from "lucide/dist/esm/icons/sun.mjs";
import sunMoon from "lucide/dist/esm/icons/sun-moon.mjs";
import timer from "lucide/dist/esm/icons/timer.mjs";
import trash from "lucide/dist/esm/icons/trash.mjs";
import triangleAlert from "lucide/dist/esm/icons/triangle-alert.mjs";
import undo2 from "lucide/dist/esm/icons/undo-2.mjs";
import upload from "lucide/dist/esm/icons/upload.mjs";
import wandSparkles from "lucide/dist/esm/icons/wand-sparkles.mjs";
import webhook from "lucide/dist/esm/icons/webhook.mjs";
import wifiOff from "lucide/dist/esm/icons/wifi-off.mjs";
import x from "lucide/dist/esm/icons/x.mjs";

/** One name for one thing: a page, a state or an action has the same icon everywhere. */
export const ICONS = {
  account: circleUser,
  api: braces,
  archive,
  bad: circleAlert,
  bell,
  blocked: octagonX,
  calendar,
  cancelled: circleSlash,
  chat: messageCircle,
  check,
  clock: clock4,
  cloud,
  coins,
  compare: columns2,
  cool: timer,
  copy,
  dark: moon,
  down: chevronDown,
  download,
  edit: pencil,
  external: externalLink,
  filter: listFilter,
  gallery: images,
  hook: webhook,
  image,
  info,
  jobs: film,
  keys: idCard,
  left: chevronLeft,
  light: sun,
  load: loaderCircle,
  lock: lockKeyhole,
  menu,
  more: ellipsis,
  off: circleMinus,
  offline: wifiOff,
  ok: circleCheck,
  overview: layoutDashboard,
  pause,
  phone: smartphone,
  play,
  playground: wandSparkles,
  plus,
  pulse: heartPulse,
  redo: rotateCw,
  requests: arrowLeftRight,
  right: chevronRight,
  screen: monitor,
  search,
  send,
  settings: slidersHorizontal,
  signOut: logOut,
  spark: sparkles,
  system: server,
  theme: sunMoon,
  tokens: keyRound,
  trash,
  undo: undo2,
  unknown: circleQuestionMark,
  upload,
  usage: chartColumn,
  video: clapperboard,
  warn: triangleAlert,
  x,
} as const;

export type IconName = keyof typeof ICONS;
