#pragma once
#include <curl/curl.h>

// `curl_easy_setopt` and `curl_easy_getinfo` are variadic macros, which Swift cannot call: one typed function for each
// type of argument that we use. Each returns libcurl's own code.

typedef size_t (*ccurl_sink)(char *bytes, size_t size, size_t count, void *context);
typedef int (*ccurl_seek)(void *context, curl_off_t offset, int origin);
typedef int (*ccurl_progress)(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up);

static inline CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *list) {
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
}

/// `option`: `CURLOPT_WRITEFUNCTION`, `CURLOPT_HEADERFUNCTION` or `CURLOPT_READFUNCTION`.
static inline CURLcode ccurl_set_sink(CURL *handle, CURLoption option, ccurl_sink sink) {
    return curl_easy_setopt(handle, option, sink);
}

/// What libcurl calls to send a body from its beginning again, such as after a kept connection turned out to be dead.
static inline CURLcode ccurl_set_seek(CURL *handle, ccurl_seek seek) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek);
}

/// Called about once a second and at every piece; anything but 0 ends the transfer.
static inline CURLcode ccurl_set_progress(CURL *handle, ccurl_progress progress) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
}

static inline long ccurl_status(CURL *handle) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/// Seconds of the answer's `Retry-After`, counted from now when it was written as a date; 0 when there was none.
static inline curl_off_t ccurl_retry_after(CURL *handle) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
    return seconds;
}

/// `curl_global_init` is not safe to call from two threads at once in every build of libcurl: call this through
/// something that runs it once.
static inline CURLcode ccurl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
