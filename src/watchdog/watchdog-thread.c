/*
 * Native thread of the watchdog: sees that the main thread's beat has stopped, logs it, and ends the process when it is asked to stop then.
 * Compiled at the start by the compiler that Bun carries, without headers. The layout of the shared memory and the constants in capitals
 * that are not defined here come from watchdog.ts.
 */
typedef void (*handler_t)(int);
struct moment { long seconds; long nanoseconds; };
extern handler_t signal(int, handler_t);
extern void _exit(int);
extern int pthread_create(unsigned long *, void *, void *(*)(void *), void *);
extern int usleep(unsigned);
extern long write(int, const void *, unsigned long);
extern int clock_gettime(int, struct moment *);

#define TICK_MS 200
/* A thread that was itself late by so much was stopped with the whole process. */
#define PAUSED_MS 1500
/* As a shell tells a process that ended by SIGTERM. */
#define TERMINATED 143
#define MOST_IDS 50
#define LINE_BYTES (IDS_BYTES + 300)

/* Null: nothing is watched. The memory itself lives as long as the process. */
static volatile int *volatile counts;
static int is_json, has_thread;
static handler_t before[32];
static char line[LINE_BYTES];
static int length;

/* Runs on whichever thread the system chose, and hands the signal on to the program's own handler. */
static void take(int number) {
  volatile int *now = counts;
  if (now) now[SIGNALS_AT]++;
  before[number](number);
}

static int follow(int number) {
  handler_t old = signal(number, (handler_t)1);
  if (old == (handler_t)-1) return 0;
  if (old == (handler_t)0 || old == (handler_t)1) { signal(number, old); return 0; }
  if (old != take) before[number] = old;
  signal(number, take);
  return 1;
}

static long now_ms(int clock) {
  struct moment now;
  clock_gettime(clock, &now);
  return now.seconds * 1000 + now.nanoseconds / 1000000;
}

static void put(const char *text) {
  while (*text && length < LINE_BYTES - 1) line[length++] = *text++;
}

static void put_number(long value, int digits) {
  char text[24];
  int at = 23;
  text[at] = 0;
  do { text[--at] = '0' + value % 10; value /= 10; } while (value || 23 - at < digits);
  put(text + at);
}

/* Hours to milliseconds, UTC; with the date where the line is JSON. */
static void put_time(void) {
  long ms = now_ms(0), day = ms / 86400000, rest = ms % 86400000;
  /* Civil date of a day: howardhinnant.github.io/date_algorithms.html. */
  long z = day + 719468, era = z / 146097, of_era = z - era * 146097;
  long years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  long of_year = of_era - (365 * years + years / 4 - years / 100), month = (5 * of_year + 2) / 153;
  if (is_json) {
    put_number(years + era * 400 + (month >= 10), 4);
    put("-");
    put_number(month < 10 ? month + 3 : month - 9, 2);
    put("-");
    put_number(of_year - (153 * month + 2) / 5 + 1, 2);
    put("T");
  }
  put_number(rest / 3600000, 2);
  put(":");
  put_number(rest / 60000 % 60, 2);
  put(":");
  put_number(rest / 1000 % 60, 2);
  put(".");
  put_number(rest % 1000, 3);
  if (is_json) put("Z");
}

static void write_line(const char *message, long for_ms, const char *ids) {
  length = 0;
  if (is_json) put("{\"time\":\"");
  put_time();
  put(is_json ? "\",\"level\":\"error\",\"message\":\"" : " error ");
  put(message);
  put(is_json ? "\",\"forMs\":" : " forMs=");
  put_number(for_ms, 1);
  if (ids) {
    put(is_json ? ",\"requestIds\":" : " requestIds=");
    put(ids);
  }
  put(is_json ? "}\n" : "\n");
  /* Where standard error is closed or full there is nobody to tell. */
  write(2, line, length);
}

/* An id as the text of JSON; its characters are those of a header, so that quotes and backslashes alone need an escape. */
static char *add_id(char *to, const volatile char *id) {
  *to++ = '"';
  for (int at = 0; at < ID_BYTES && id[at]; at++) {
    if (id[at] == '"' || id[at] == '\\') *to++ = '\\';
    if (id[at] < 0 || id[at] >= ' ') *to++ = id[at];
  }
  *to++ = '"';
  return to;
}

/* The requests under way, newest first, as JSON into the shared memory, where the main thread finds them when it runs again. */
static void list_ids(volatile int *memory) {
  volatile int *sequence = memory + SEQUENCE_AT / 4;
  const volatile char *ids = (const volatile char *)memory + IDS_AT;
  char *to = (char *)memory + STALLED_IDS_AT;
  int below = 0x7fffffff;
  *to++ = '[';
  for (int count = 0; count < MOST_IDS; count++) {
    int newest = 0, slot = 0;
    for (int at = 0; at < SLOTS; at++) {
      int mark = sequence[at];
      if (mark > newest && mark < below) { newest = mark; slot = at; }
    }
    if (!newest) break;
    below = newest;
    if (count) *to++ = ',';
    to = add_id(to, ids + slot * ID_BYTES);
  }
  *to++ = ']';
  *to = 0;
}

static void *run(void *unused) {
  volatile int *memory = 0;
  long ticked = now_ms(CLOCK), since = ticked;
  int last = 0, is_stalled = 0;
  for (;; usleep(TICK_MS * 1000)) {
    long now = now_ms(CLOCK), late = now - ticked - TICK_MS;
    ticked = now;
    if (late > PAUSED_MS) since += late;
    memory = counts;
    int beat = memory ? memory[BEATS_AT] : 0;
    if (beat != last) {
      last = beat;
      since = now;
      is_stalled = 0;
      continue;
    }
    /* Before the first beat there is nothing to watch. */
    if (beat == 0 || now - since < STALL_MS) continue;
    if (!is_stalled) {
      is_stalled = 1;
      list_ids(memory);
      memory[STALLED_AT] = 1;
      write_line("The event loop stands still", now - since, (const char *)memory + STALLED_IDS_AT);
    }
    if (memory[SIGNALS_AT] > memory[HANDLED_AT]) {
      write_line("Asked to stop while the event loop stands still: the process ends now", now - since, 0);
      _exit(TERMINATED);
    }
  }
  return 0;
}

/* 1: watches, and sees signals; 0: cannot, or watches something else already. */
int begin(int *memory, int json) {
  unsigned long thread;
  if (counts) return 0;
  is_json = json;
  if (!follow(15)) return 0;
  follow(2);
  counts = memory;
  if (!has_thread && pthread_create(&thread, 0, run, 0)) {
    counts = 0;
    return 0;
  }
  has_thread = 1;
  return 1;
}

void end(void) { counts = 0; }
