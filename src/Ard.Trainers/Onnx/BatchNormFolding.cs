using System.Globalization;
using Ard.Trainers.Networks;

namespace Ard.Trainers.Onnx;

/// <summary>
/// Takes BatchNorm layers out of a graph whose input is a convolution's or linear layer's output that nothing else reads: with s = γ / √(σ²
/// + ε), W' = s W and b' = s (b - μ) + β, channel by channel, computed in float64. Others stay.
/// </summary>
internal static class BatchNormFolding
{
    public static void Fold(OnnxGraph graph, string output)
    {
        foreach (var norm in graph.Nodes.Where(node => node.Type == "BatchNormalization").ToArray())
        {
            var index = graph.Nodes.FindIndex(node => node.Output == norm.Inputs[0] && node.Type is "Conv" or "Gemm");
            if (index < 0 || norm.Inputs[0] == output || graph.Nodes.Count(node => node.Inputs.Contains(norm.Inputs[0])) > 1) continue;
            var layer = graph.Nodes[index];
            // A module's own description may compute its weights.
            if (!layer.Inputs.Skip(1).Concat(norm.Inputs.Skip(1)).All(graph.Constants.ContainsKey)) continue;
            Tensor Constant(string name) => graph.Constants[name].to(ScalarType.Float64);
            var epsilon = norm.Attributes.FirstOrDefault(attribute => attribute.Name == "epsilon").Value is { } given
                ? Convert.ToSingle(given, CultureInfo.InvariantCulture)
                : 1e-5f;
            var scale = Constant(norm.Inputs[1]) / Constant(norm.Inputs[4]).Plus(epsilon).sqrt();
            var weight = Constant(layer.Inputs[1]);
            var bias = layer.Inputs.Count > 2 ? Constant(layer.Inputs[2]) : zeros_like(scale);
            // The first dimension of both layers' weights is that of the outputs.
            Put(layer.Name + ".weight", weight * scale.reshape([-1, .. weight.shape[1..].Select(_ => 1L)]));
            Put(layer.Name + ".bias", ((bias - Constant(norm.Inputs[3])) * scale).Plus(Constant(norm.Inputs[2])));
            graph.Nodes[index] = layer with
            {
                Inputs = [layer.Inputs[0], layer.Name + ".weight", layer.Name + ".bias"],
                Output = norm.Output,
            };
            graph.Nodes.Remove(norm);
        }
        var used = graph.Nodes.SelectMany(node => node.Inputs).ToHashSet();
        foreach (var name in graph.Constants.Keys.Where(name => !used.Contains(name)).ToArray()) graph.Constants.Remove(name);

        void Put(string name, Tensor value) => graph.Constants[name] = value.to(ScalarType.Float32).contiguous();
    }
}
