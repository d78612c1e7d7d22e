import Cluster

/// What can happen.
enum Event {
    // To a node.
    /// Half a second has passed by its clock.
    case tick
    /// It opens the events stream of this number.
    case connect(Int)
    /// It sends a subscriber a ping, once a second from its description on.
    case ping(Connection)
    /// What was to be there by now.
    case timeout(Connection)
    case deliver(Connection, toServer: Bool, Message)
    /// Discovery knows something new of another node's service.
    case news(of: Int)
    /// A person asks something of its router.
    case arrival
    case clientLeaves(SimRequest)
    /// The load of this number of a tier is over.
    case loaded(tier: Int, number: Int)
    case firstByte(Job)
    case lastByte(Job)
    /// It tells its subscribers what has changed.
    case report
    // To the world.
    case fault(Int, begins: Bool)
    /// Its machine's DNS-SD notices that the router of a life has gone.
    case serviceGone(Int, life: Int)
    /// Both ends give a connection up that nothing gets through.
    case giveUp(Connection, from: Int, to: Int, cut: Int)
    case check(Check)

    /// People begin to ask, or end.
    case load(Bool)
    /// Somebody sits down at a node.
    case person(Int)

    enum Check {
        /// Faults ended at that moment.
        case recovered(since: Moment)
        case atRest
        /// A client left, and nothing is between its router and its host; the way was cut so often by then.
        case guestGone(Connection, cut: Int)
    }
}

/// What goes over a connection.
enum Message {
    case open
    // Indirect: queues are kept in order by moving events about.
    indirect case state(NodeDescription)
    indirect case change(NodeChange)
    case ping
    /// A request of another router by its number there, and how long its reply will be.
    indirect case ask(Workload, tier: String, output: Int, number: Int)
    case head(Int)
    case end
    /// The other side has closed it, in order or not.
    case closed
}

/// A TCP connection: what is sent one way arrives in order, late, or never with an end to it.
final class Connection {
    enum Purpose {
        /// The number of the events stream.
        case stream(Int)
        case probe(Lead, Place)
        case request(SimRequest)
    }

    let number: Int
    let purpose: Purpose
    let client: Int
    let clientLife: Int
    let server: Int
    /// -1 until it was accepted.
    var serverLife = -1
    var isClientOpen = true
    var isServerOpen = false
    /// When what was sent last arrives; to the server, to the client.
    var arrival = (server: 0, client: 0)
    /// What waits for a cut to end.
    var heldForServer: [Message] = []
    var heldForClient: [Message] = []
    /// What the subscriber was told.
    var sent: NodeDescription?
    /// At the server: the request that came over it.
    var guest: SimRequest?
    /// At the client: whether the other side has said something.
    var hasAnswered = false
    /// Of the reply that came over it.
    var status = 0

    init(_ number: Int, _ purpose: Purpose, client: Int, life: Int, server: Int) {
        self.number = number
        self.purpose = purpose
        self.client = client
        clientLife = life
        self.server = server
    }
}
