import Cluster

// Connections, and what they carry.

extension World {
    /// After which both ends give a connection up that nothing gets through.
    static let giveUpAfter = 20 * Time.second
    /// Until what was lost is sent again.
    private static let retransmission = Time.second / 5
    /// Until a connection that is being made is given up.
    static let requestPatience = 2.0

    func connection(_ purpose: Connection.Purpose, from node: SimNode, to place: Place) -> Connection {
        connectionCount += 1
        let server = nodes.first { $0.address == place }?.index ?? -1
        let connection = Connection(connectionCount, purpose, client: node.index, life: node.life, server: server)
        node.connections[connection.number] = connection
        send(.open, on: connection, toServer: true)
        return connection
    }

    func send(_ message: Message, on connection: Connection, toServer: Bool) {
        // Nobody is at that address.
        guard connection.server >= 0 else { return }
        let (from, to) = toServer ? (connection.client, connection.server) : (connection.server, connection.client)
        guard cuts[from][to] == 0 else {
            if toServer {
                connection.heldForServer.append(message)
            } else {
                connection.heldForClient.append(message)
            }
            if (toServer ? connection.heldForServer : connection.heldForClient).count == 1 {
                schedule(.giveUp(connection, from: from, to: to, cut: cutCount[from][to]), in: Self.giveUpAfter)
            }
            return
        }
        transmit(message, on: connection, toServer: toServer, after: 0)
    }

    private func transmit(_ message: Message, on connection: Connection, toServer: Bool, after wait: Moment) {
        let (from, to) = toServer ? (connection.client, connection.server) : (connection.server, connection.client)
        var delay = wait + baseDelay[from][to] + extraDelay[from][to] + network.below(3)
        if lossPercent[from][to] > 0 {
            var turns = 0
            while turns < 6, network.percent(lossPercent[from][to]) {
                delay += Self.retransmission
                turns += 1
            }
        }
        var arrival = moment + delay
        if toServer {
            arrival = max(arrival, connection.arrival.server)
            connection.arrival.server = arrival
        } else {
            arrival = max(arrival, connection.arrival.client)
            connection.arrival.client = arrival
        }
        queue.push(
            .deliver(connection, toServer: toServer, message), node: to,
            life: toServer ? connection.serverLife : connection.clientLife, at: arrival)
    }

    func cut(_ from: Int, _ to: Int, _ step: Int) {
        cuts[from][to] += step
        cutCount[from][to] += 1
        guard cuts[from][to] == 0 else { return }
        // What waited gets through.
        var waiting: [(Connection, Bool)] = []
        for node in [nodes[from], nodes[to]] {
            for connection in node.connections.values.sorted(by: { $0.number < $1.number }) {
                if connection.client == from, connection.server == to, !connection.heldForServer.isEmpty {
                    waiting.append((connection, true))
                }
                if connection.client == to, connection.server == from, !connection.heldForClient.isEmpty {
                    waiting.append((connection, false))
                }
            }
        }
        for (connection, toServer) in waiting {
            let messages = toServer ? connection.heldForServer : connection.heldForClient
            if toServer { connection.heldForServer = [] } else { connection.heldForClient = [] }
            let wait = network.below(8 * Self.retransmission)
            for message in messages { transmit(message, on: connection, toServer: toServer, after: wait) }
        }
    }

    /// Both ends learn that it is dead, each by itself.
    func giveUp(_ connection: Connection) {
        connection.heldForServer = []
        connection.heldForClient = []
        queue.push(
            .deliver(connection, toServer: false, .closed), node: connection.client, life: connection.clientLife,
            at: moment + 1)
        if connection.serverLife >= 0 {
            queue.push(
                .deliver(connection, toServer: true, .closed), node: connection.server, life: connection.serverLife,
                at: moment + 2)
        }
    }

    /// This end wants it no more.
    func close(_ connection: Connection, byServer: Bool) {
        if byServer {
            guard connection.isServerOpen else { return }
            connection.isServerOpen = false
            nodes[connection.server].connections[connection.number] = nil
        } else {
            guard connection.isClientOpen else { return }
            connection.isClientOpen = false
            nodes[connection.client].connections[connection.number] = nil
        }
        send(.closed, on: connection, toServer: !byServer)
    }

    // MARK: What arrives

    func take(_ message: Message, _ connection: Connection, _ toServer: Bool, _ node: SimNode) {
        if toServer { serve(message, connection, node) } else { hear(message, connection, node) }
    }

    func accept(_ connection: Connection, _ node: SimNode) {
        connection.serverLife = node.life
        connection.isServerOpen = true
        node.connections[connection.number] = connection
    }

    private func serve(_ message: Message, _ connection: Connection, _ node: SimNode) {
        if case .open = message {
            if connection.serverLife < 0 { accept(connection, node) }
            // The kernel took it for a process that ended before it read it; its end has been told.
            guard connection.serverLife == node.life else { return }
            switch connection.purpose {
            case .stream: serveStream(connection, node)
            case .probe:
                send(.head(200), on: connection, toServer: false)
                close(connection, byServer: true)
            case .request: break
            }
            return
        }
        guard connection.isServerOpen else { return }
        switch message {
        case .ask(let work, let tier, let output, let number):
            serveGuest(connection, number, work, tier, output, node)
        case .closed:
            connection.isServerOpen = false
            node.connections[connection.number] = nil
            node.subscribers.removeAll { $0 === connection }
            if let guest = connection.guest { clientLeft(guest, node) }
        default: break
        }
    }

    private func hear(_ message: Message, _ connection: Connection, _ node: SimNode) {
        guard connection.isClientOpen else { return }
        if case .closed = message {
            connection.isClientOpen = false
            node.connections[connection.number] = nil
        }
        switch connection.purpose {
        case .stream(let number): hearStream(message, number, connection, node)
        case .probe(let lead, _):
            switch message {
            case .head:
                close(connection, byServer: false)
                connection.hasAnswered = true
                probed(lead, true, node)
            case .closed: probed(lead, false, node)
            default: break
            }
        case .request(let request): hearReply(message, request, connection, node)
        }
    }

    func timedOut(_ connection: Connection, _ node: SimNode) {
        guard connection.isClientOpen, !connection.hasAnswered else { return }
        switch connection.purpose {
        case .stream(let number):
            close(connection, byServer: false)
            streamFailed(number, "timed out", node)
        case .probe(let lead, _):
            close(connection, byServer: false)
            probed(lead, false, node)
        case .request(let request):
            // A request waits for its reply, however long: only the connection must be there.
            guard connection.serverLife < 0 else { return }
            close(connection, byServer: false)
            noReply(request, connection, node)
        }
    }
}
