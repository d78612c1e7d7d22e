internal import CCurl
import Synchronization

/// One request and its reply, from libcurl's side. Lives on one thread; libcurl's callbacks come on the same.
final class CurlExchange {
    private let sink: any Curl.Sink
    private let isCancelled: Curl.Cancellation
    private var head = Curl.Head()
    /// Whether the sink has the head already.
    private var isHeadGiven = false
    private var wasRefused = false

    private init(sink: any Curl.Sink, isCancelled: Curl.Cancellation) {
        self.sink = sink
        self.isCancelled = isCancelled
    }

    /// Once for the process, before the first handle (https://curl.se/libcurl/c/curl_global_init.html).
    static let isReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    /// Blocks until the exchange has ended.
    static func run(
        _ request: Curl.Request, sink: any Curl.Sink, isCancelled: Curl.Cancellation
    ) -> Result<Curl.Head, CurlFailure> {
        guard isReady, let handle = curl_easy_init() else {
            return .failure(CurlFailure(.other, reason: "libcurl cannot be set up"))
        }
        defer { curl_easy_cleanup(handle) }
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        // A line break would start a header of its own.
        for header in request.headers where !header.utf8.contains(where: { $0 == 10 || $0 == 13 }) {
            headers = curl_slist_append(headers, header)
        }
        let exchange = CurlExchange(sink: sink, isCancelled: isCancelled)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { message in
            message.initialize(repeating: 0)
            ccurl_set_error_buffer(handle, message.baseAddress)
            var code = prepare(handle, request)
            if code == CURLE_OK { code = ccurl_set_headers(handle, headers) }
            if code == CURLE_OK { code = exchange.attach(to: handle) }
            if code == CURLE_OK { code = withExtendedLifetime(exchange) { curl_easy_perform(handle) } }
            guard code == CURLE_OK else {
                let text = message.baseAddress.map { String(cString: $0) } ?? ""
                return .failure(exchange.failure(code, detail: text))
            }
            guard exchange.giveHead() else { return .failure(exchange.failure(CURLE_WRITE_ERROR, detail: "")) }
            return .success(exchange.head)
        }
    }

    static func prepare(_ handle: UnsafeMutableRawPointer, _ request: Curl.Request) -> CURLcode {
        let isSecure = request.url.lowercased().hasPrefix("https:")
        let numbers: [(CURLoption, Int)] = [
            // Name look-ups that time out must not raise a signal in a program with threads.
            (CURLOPT_NOSIGNAL, 1),
            (CURLOPT_FOLLOWLOCATION, request.followsRedirects ? 1 : 0),
            (CURLOPT_MAXREDIRS, Curl.redirectLimit),
            (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(Curl.connectTimeout, request.timeout ?? .seconds(3600)))),
            (CURLOPT_TIMEOUT_MS, request.timeout.map(milliseconds) ?? 0),
            (CURLOPT_LOW_SPEED_LIMIT, 1),
            (CURLOPT_LOW_SPEED_TIME, max(1, milliseconds(request.stallTimeout) / 1000)),
        ]
        var code = ccurl_limit_to_http(handle, isSecure ? 1 : 0)
        if code == CURLE_OK, let path = CurlAuthorities.file { code = ccurl_set_text(handle, CURLOPT_CAINFO, path) }
        if code == CURLE_OK, let path = CurlAuthorities.folder { code = ccurl_set_text(handle, CURLOPT_CAPATH, path) }
        for (option, value) in numbers where code == CURLE_OK { code = ccurl_set_number(handle, option, value) }
        if code == CURLE_OK { code = ccurl_set_text(handle, CURLOPT_URL, request.url) }
        if code == CURLE_OK { code = ccurl_set_text(handle, CURLOPT_USERAGENT, "llmstack") }
        if code == CURLE_OK, let body = request.body {
            code = body.withUnsafeBytes { ccurl_set_body(handle, $0.baseAddress, $0.count) }
        }
        if code == CURLE_OK, let method = request.method {
            code = ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, method)
        }
        if code == CURLE_OK, request.isDirect { code = ccurl_set_text(handle, CURLOPT_NOPROXY, "*") }
        return code
    }

    /// At least 1: 0 would mean no limit.
    private static func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(duration / .milliseconds(1)))
    }

    private func attach(to handle: UnsafeMutableRawPointer) -> CURLcode {
        ccurl_set_callbacks(
            handle,
            { bytes, size, count, context in
                guard let exchange = CurlExchange.of(context) else { return 0 }
                exchange.header(UnsafeRawBufferPointer(start: bytes, count: size * count))
                return size * count
            },
            { bytes, size, count, context in
                guard let exchange = CurlExchange.of(context) else { return 0 }
                return exchange.body(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
            },
            { context, _, _, _, _ in
                CurlExchange.of(context)?.isCancelled.flag.load(ordering: .relaxed) == false ? 0 : 1
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> CurlExchange? {
        context.map { Unmanaged<CurlExchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private func header(_ bytes: UnsafeRawBufferPointer) { head.take(line: bytes) }

    private func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard giveHead() else { return false }
        wasRefused = !sink.take(bytes)
        return !wasRefused
    }

    private func giveHead() -> Bool {
        guard !isHeadGiven else { return true }
        isHeadGiven = true
        wasRefused = !sink.take(head)
        return !wasRefused
    }

    private func failure(_ code: CURLcode, detail: String) -> CurlFailure {
        if isCancelled.flag.load(ordering: .relaxed) { return CurlFailure(.stopped, reason: "stopped") }
        if wasRefused { return CurlFailure(.stopped, reason: "the reply was not taken") }
        return CurlFailure(code, detail: detail)
    }
}

extension Curl.Head {
    /// One line of a head. Each redirect brings a head of its own; only the last counts.
    mutating func take(line bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            self = Curl.Head(status: line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
            fields[line[..<colon].lowercased()] = words.joined(separator: " ")
        }
    }
}
