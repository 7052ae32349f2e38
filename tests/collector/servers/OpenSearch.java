import static org.codelibs.opensearch.runner.OpenSearchRunner.newConfigs;

import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One node of OpenSearch on 127.0.0.1: java -cp 'lib/*' OpenSearch.java PORT DIRECTORY */
public class OpenSearch {
  public static void main(String[] arguments) throws Exception {
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> {
      settings.put("http.port", arguments[0]);
      settings.put("network.host", "127.0.0.1");
      settings.put("discovery.type", "single-node");
      settings.putList("node.roles", "cluster_manager", "data", "ingest");
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false); // a full disk of a test machine is not the subject
    }).build(newConfigs().clusterName("otel-mlsec").numOfNode(1).basePath(arguments[1]).useLogger());
    Thread.sleep(Long.MAX_VALUE);
  }
}
