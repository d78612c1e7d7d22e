internal import CCurl
import Foundation
import Synchronization

/// Requests over libcurl's multi interface: one thread drives them all, and connections are kept for the next request to
/// the same server. What a connection carried says nothing of whose it was: each request is signed by itself.
package final class CurlMulti: CurlTransport {
    private let driver: Driver

    package init() {
        driver = Driver()
        driver.launch()
    }

    deinit { driver.order(.stop) }

    package func start(_ request: Curl.Request, _ receiver: any CurlReceiver) -> any CurlTransfer {
        let transfer = MultiTransfer(request, receiver, driver)
        driver.order(.start(transfer))
        return transfer
    }
}

/// What the thread is told.
private enum Order {
    case start(MultiTransfer)
    case cancel(MultiTransfer)
    case resume(MultiTransfer)
    case stop
}

/// The thread's side. Checked by hand: ``multi`` and ``transfers`` belong to the thread, except for `curl_multi_wakeup`,
/// which any thread may call while the handle is there (https://curl.se/libcurl/c/curl_multi_wakeup.html).
private final class Driver: @unchecked Sendable {
    private struct Inbox {
        var orders: [Order] = []
        var isOver = false
    }

    private let multi: UnsafeMutableRawPointer?
    private let inbox = Mutex(Inbox())
    private var transfers: [UnsafeMutableRawPointer: MultiTransfer] = [:]
    /// Milliseconds that the thread sleeps where nothing happens.
    private static let patience: CInt = 10_000

    init() { multi = CurlExchange.isReady ? curl_multi_init() : nil }

    func launch() {
        let thread = Thread { self.run() }
        thread.name = "curl-multi"
        thread.start()
    }

    func order(_ order: Order) {
        let isTaken = inbox.withLock { inbox in
            guard !inbox.isOver else { return false }
            inbox.orders.append(order)
            // Under the lock: the handle goes once `isOver` is set.
            if let multi { curl_multi_wakeup(multi) }
            return true
        }
        if !isTaken, case .start(let transfer) = order { transfer.cannotStart() }
    }

    private func run() {
        var goesOn = multi != nil
        while goesOn {
            for order in inbox.withLock({ inbox in
                defer { inbox.orders = [] }
                return inbox.orders
            }) {
                switch order {
                case .start(let transfer): start(transfer)
                case .cancel(let transfer): forget(transfer)
                case .resume(let transfer): transfer.goOn()
                case .stop: goesOn = false
                }
            }
            var running: CInt = 0
            curl_multi_perform(multi, &running)
            var code = CURLE_OK
            while let handle = ccurl_multi_finished(multi, &code) {
                guard let transfer = transfers[handle] else { continue }
                let result = transfer.result(code)
                forget(transfer)
                transfer.receiver.ended(result)
            }
            if goesOn { curl_multi_poll(multi, nil, 0, Self.patience, nil) }
        }
        let left = inbox.withLock { inbox in
            inbox.isOver = true
            return inbox.orders
        }
        for transfer in Array(transfers.values) { forget(transfer) }
        curl_multi_cleanup(multi)
        for case .start(let transfer) in left { transfer.cannotStart() }
    }

    private func start(_ transfer: MultiTransfer) {
        guard let handle = transfer.prepare(), curl_multi_add_handle(multi, handle) == CURLM_OK else {
            transfer.cleanUp()
            return transfer.cannotStart()
        }
        transfers[handle] = transfer
    }

    private func forget(_ transfer: MultiTransfer) {
        if let handle = transfer.handle {
            transfers[handle] = nil
            curl_multi_remove_handle(multi, handle)
        }
        transfer.cleanUp()
    }
}

/// One request. Checked by hand: all but ``cancel()`` and ``resume()``, which only tell the driver, is used on its thread.
private final class MultiTransfer: CurlTransfer, @unchecked Sendable {
    let receiver: any CurlReceiver
    private weak let driver: Driver?
    private var request: Curl.Request?
    private(set) var handle: UnsafeMutableRawPointer?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var message: UnsafeMutablePointer<CChar>?
    private var head = Curl.Head()
    private var isHeadGiven = false
    private var isPaused = false

    init(_ request: Curl.Request, _ receiver: any CurlReceiver, _ driver: Driver) {
        self.request = request
        self.receiver = receiver
        self.driver = driver
    }

    func cancel() { driver?.order(.cancel(self)) }

    func resume() { driver?.order(.resume(self)) }

    // MARK: The driver's thread

    /// - Returns: a handle with everything set; nil where libcurl has none.
    func prepare() -> UnsafeMutableRawPointer? {
        guard let request, let handle = curl_easy_init() else { return nil }
        self.request = nil
        self.handle = handle
        let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.message = message
        // A line break would start a header of its own.
        for header in request.headers where !header.utf8.contains(where: { $0 == 10 || $0 == 13 }) {
            headers = curl_slist_append(headers, header)
        }
        var code = CurlExchange.prepare(handle, request)
        let numbers: [(CURLoption, Int)] = [
            // What is read of a paused HTTP/2 stream is bounded by a window of many megabytes only.
            (CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1),
            (CURLOPT_PATH_AS_IS, 1), (CURLOPT_TCP_KEEPALIVE, 1),
        ]
        for (option, value) in numbers where code == CURLE_OK { code = ccurl_set_number(handle, option, value) }
        if code == CURLE_OK { code = ccurl_set_headers(handle, headers) }
        if code == CURLE_OK { code = ccurl_set_error_buffer(handle, message) }
        if code == CURLE_OK { code = attach(handle) }
        return code == CURLE_OK ? handle : nil
    }

    private func attach(_ handle: UnsafeMutableRawPointer) -> CURLcode {
        // The driver holds this for as long as the handle is in use.
        ccurl_set_receivers(
            handle,
            { bytes, size, count, context in
                MultiTransfer.of(context)?.head.take(line: UnsafeRawBufferPointer(start: bytes, count: size * count))
                return size * count
            },
            { bytes, size, count, context in
                MultiTransfer.of(context)?.body(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> MultiTransfer? {
        context.map { Unmanaged<MultiTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Returns: what libcurl wants to hear.
    private func body(_ bytes: UnsafeRawBufferPointer) -> Int {
        giveHead()
        guard receiver.received(bytes) else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        return bytes.count
    }

    private func giveHead() {
        guard !isHeadGiven else { return }
        isHeadGiven = true
        receiver.received(head)
    }

    func goOn() {
        guard isPaused, let handle else { return }
        isPaused = false
        // Not stored but given to the receiver in there, which may have no room again.
        curl_easy_pause(handle, 0)
    }

    func result(_ code: CURLcode) -> Result<Curl.Head, CurlFailure> {
        guard code == CURLE_OK else {
            return .failure(CurlFailure(code, detail: message.map { String(cString: $0) } ?? ""))
        }
        giveHead()
        return .success(head)
    }

    func cannotStart() { receiver.ended(.failure(CurlFailure(.other, reason: "libcurl cannot be set up"))) }

    func cleanUp() {
        if let handle { curl_easy_cleanup(handle) }
        curl_slist_free_all(headers)
        message?.deallocate()
        handle = nil
        headers = nil
        message = nil
    }

    deinit { cleanUp() }
}
