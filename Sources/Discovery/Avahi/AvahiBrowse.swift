#if canImport(CAvahi)
    import CAvahi

    /// One browsed type on Avahi: a service browser, and a record browser for each open query.
    ///
    /// Record browsers, not service resolvers: they report every address on every interface, and never time out.
    /// Belongs to the loop's thread. Callbacks only note; ``perform(at:)`` acts.
    final class AvahiBrowse {
        /// What a record browser's callback gets to know.
        private final class Asked {
            unowned let browse: AvahiBrowse
            let query: RecordQuery
            var browser: OpaquePointer?

            init(_ browse: AvahiBrowse, _ query: RecordQuery) {
                self.browse = browse
                self.query = query
            }
        }

        let type: String
        let feed: DirectoryFeed
        private(set) var view = ServiceView()
        private var client: OpaquePointer?
        private var browser: OpaquePointer?
        private var asked: [RecordQuery: Asked] = [:]
        private var hasFailed = false
        private var retryAt: Duration?
        /// Called after each note, for the loop to come round.
        private let noted: () -> Void

        init(type: String, feed: DirectoryFeed, noted: @escaping () -> Void) {
            self.type = type
            self.feed = feed
            self.noted = noted
        }

        var nextDeadline: Duration? { [view.nextDeadline, retryAt].compactMap { $0 }.min() }

        func set(_ interfaces: [HostInterface]) { view.order = AddressOrder(interfaces) }

        /// The daemon answers over this client.
        func connect(_ client: OpaquePointer, at now: Duration) {
            guard self.client == nil else { return }
            self.client = client
            begin(at: now)
        }

        /// The client is about to be freed, or this browsing to end.
        func disconnect(at now: Duration) {
            forgetAsked()
            end()
            client = nil
            retryAt = nil
            hasFailed = false
            view.disconnected(at: now)
        }

        /// - Returns: what is to be said in the log.
        func perform(at now: Duration) -> [ServiceView.Warning] {
            if hasFailed {
                // Not in the callback that said so.
                hasFailed = false
                forgetAsked()
                end()
                // What goes while nobody looks is found missing when somebody does again.
                view.disconnected(at: now)
                retryAt = now + .seconds(1)
            }
            if let retryAt, retryAt <= now {
                self.retryAt = nil
                begin(at: now)
            }
            var warnings: [ServiceView.Warning] = []
            for action in view.tick(at: now) {
                switch action {
                case .start(let query): ask(query, at: now)
                case .stop(let query):
                    if let stopped = asked.removeValue(forKey: query) { avahi_record_browser_free(stopped.browser) }
                case .event(let event): feed.put(event)
                case .browseAgain:
                    end()
                    begin(at: now)
                case .warn(let warning): warnings.append(warning)
                }
            }
            return warnings
        }

        /// Of services that nobody looks for any more.
        private func forgetAsked() {
            for asked in asked.values { avahi_record_browser_free(asked.browser) }
            asked = [:]
        }

        private func end() {
            if let browser { avahi_service_browser_free(browser) }
            browser = nil
        }

        private func begin(at now: Duration) {
            guard let client, browser == nil else { return }
            browser = avahi_service_browser_new(
                client, -1, -1, type, nil, AvahiLookupFlags(rawValue: 0),
                { _, interface, version, event, name, type, domain, _, me in
                    guard let me else { return }
                    Unmanaged<AvahiBrowse>.fromOpaque(me).takeUnretainedValue()
                        .saw(event, name: name, type: type, domain: domain, on: Link(interface, version))
                }, Unmanaged.passUnretained(self).toOpaque())
            if browser == nil { retryAt = now + .seconds(1) }
        }

        private func saw(
            _ event: AvahiBrowserEvent, name: UnsafePointer<CChar>?, type: UnsafePointer<CChar>?,
            domain: UnsafePointer<CChar>?, on link: Link
        ) {
            let now = AvahiLoop.now
            switch event {
            case AVAHI_BROWSER_NEW, AVAHI_BROWSER_REMOVE:
                guard let name, let type, let domain else { return }
                let service = (
                    name: String(cString: name), type: String(cString: type), domain: String(cString: domain)
                )
                if event == AVAHI_BROWSER_NEW {
                    view.appeared(service.name, type: service.type, domain: service.domain, on: link, at: now)
                } else {
                    view.disappeared(service.name, type: service.type, domain: service.domain, on: link, at: now)
                }
            case AVAHI_BROWSER_ALL_FOR_NOW: view.allForNow(at: now)
            case AVAHI_BROWSER_FAILURE: hasFailed = true
            default: return
            }
            noted()
        }

        private func ask(_ query: RecordQuery, at now: Duration) {
            let asked = Asked(self, query)
            // 1: the class IN of RFC 1035.
            asked.browser = avahi_record_browser_new(
                client, -1, -1, query.name, 1, query.kind.rawValue, AvahiLookupFlags(rawValue: 0),
                { _, interface, version, event, _, _, _, bytes, count, _, me in
                    guard let me else { return }
                    let asked = Unmanaged<Asked>.fromOpaque(me).takeUnretainedValue()
                    let data = bytes.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) } ?? []
                    asked.browse.answered(asked.query, event, data, on: Link(interface, version))
                }, Unmanaged.passUnretained(asked).toOpaque())
            if asked.browser == nil {
                view.failed(query, at: now)
            } else {
                self.asked[query] = asked
            }
        }

        private func answered(_ query: RecordQuery, _ event: AvahiBrowserEvent, _ bytes: [UInt8], on link: Link) {
            let now = AvahiLoop.now
            switch event {
            case AVAHI_BROWSER_NEW, AVAHI_BROWSER_REMOVE:
                view.answered(query, bytes, isPresent: event == AVAHI_BROWSER_NEW, on: link, at: now)
            case AVAHI_BROWSER_FAILURE: view.failed(query, at: now)
            default: return
            }
            noted()
        }
    }

    extension Link {
        /// As Avahi numbers them: 0 is IPv4, 1 is IPv6, -1 unknown.
        fileprivate init(_ interface: AvahiIfIndex, _ version: AvahiProtocol) {
            self.init(interface: max(Int(interface), 0), version: version == 0 ? 4 : version == 1 ? 6 : 0)
        }
    }
#endif
