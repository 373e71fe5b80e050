/// What the command line says; `nil` where it says nothing.
public struct ServeOptions: Sendable {
    public var data: String?
    public var listen: String?
    public var config: String?
    public var pipelines: String?
    public var demo: Bool

    public init(data: String? = nil, listen: String? = nil, config: String? = nil, pipelines: String? = nil, demo: Bool = false) {
        self.data = data
        self.listen = listen
        self.config = config
        self.pipelines = pipelines
        self.demo = demo
    }
}
