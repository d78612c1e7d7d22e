// libcurl as Swift can call it: curl_easy_setopt and curl_easy_getinfo take variadic arguments, which Swift has not.
#pragma once

#include <curl/curl.h>
#include <stddef.h>

// The type-checking macros are statement expressions.
#undef curl_easy_setopt
#undef curl_easy_getinfo

/// Bytes that arrived: `count` of them. Returns how many were taken; fewer than `count` ends the transfer.
typedef size_t (*ccurl_receive)(char *bytes, size_t size, size_t count, void *context);
/// Asked about once a second and more often while bytes arrive. Anything but 0 ends the transfer.
typedef int (*ccurl_watch)(
    void *context, curl_off_t total, curl_off_t received, curl_off_t upload_total, curl_off_t uploaded);

CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value);
/// libcurl keeps a copy of the text.
CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value);
/// Makes it a POST of these bytes; libcurl keeps a copy of them.
CURLcode ccurl_set_body(CURL *handle, const void *bytes, size_t count);
/// The list must outlive the transfer.
CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *headers);
CURLcode ccurl_set_error_buffer(CURL *handle, char *buffer);
/// `secure_redirects`: follow redirects to https only, else to http as well. Other protocols are never spoken.
CURLcode ccurl_limit_to_http(CURL *handle, int secure_redirects);
CURLcode ccurl_set_callbacks(
    CURL *handle, ccurl_receive header, ccurl_receive body, ccurl_watch watch, void *context);
/// Without a watch. `body` may return CURL_WRITEFUNC_PAUSE: the bytes come again after curl_easy_pause.
CURLcode ccurl_set_receivers(CURL *handle, ccurl_receive header, ccurl_receive body, void *context);
/// The next transfer that has ended, and how; NULL when there is none.
CURL *ccurl_multi_finished(CURLM *multi, CURLcode *code);
long ccurl_status(CURL *handle);
