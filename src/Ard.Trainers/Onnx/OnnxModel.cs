using Ard.Trainers.Onnx.Schema;
using Google.Protobuf;
using static Ard.Trainers.Onnx.Schema.AttributeProto.Types;

namespace Ard.Trainers.Onnx;

internal static class OnnxModel
{
    public static ModelProto Build(
        OnnxGraph graph, OnnxValue output, Module<Tensor, Tensor> network, OnnxExportOptions options, long[] images)
    {
        var description = options.Softmax
            ? "The probability of each class." : "The logits of the classes: their softmax is the probabilities.";
        var model = new ModelProto
        {
            IrVersion = OnnxExport.IrVersion,
            ProducerName = "ARD for ML.NET",
            ProducerVersion = typeof(OnnxModel).Assembly.GetName().Version!.ToString(3),
            DocString = $"An image classifier: {network.GetName()}.",
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxExport.Opset } },
            Graph = new GraphProto
            {
                Name = network.GetName(),
                Node = { graph.Nodes.Select(Node) },
                Initializer = { graph.Constants.Select(constant => Tensor(constant.Key, constant.Value)) },
                Input = { Value(graph.Input, "Images [batch,channels,rows,columns]: planes of channels, values in [0,1].") },
                Output = { Value(output, description) },
            },
        };
        var metadata = NetworkSpec.Metadata(network);
        if (options.ClassNames is { } names) metadata["ard.classes"] = JsonSerializer.Serialize(names);
        model.MetadataProps.Add(metadata.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }));
        return model;
    }

    private static NodeProto Node(OnnxNode node) => new()
    {
        Name = node.Name,
        OpType = node.Type,
        Input = { node.Inputs },
        Output = { node.Output },
        Attribute = { node.Attributes.Select(attribute => Attribute(node, attribute.Name, attribute.Value)) },
    };

    private static AttributeProto Attribute(OnnxNode node, string name, object value) => value switch
    {
        bool or int or long => new() { Name = name, Type = AttributeType.Int, I = Convert.ToInt64(value, CultureInfo.InvariantCulture) },
        float or double => new() { Name = name, Type = AttributeType.Float, F = Convert.ToSingle(value, CultureInfo.InvariantCulture) },
        string text => new() { Name = name, Type = AttributeType.String, S = ByteString.CopyFromUtf8(text) },
        IEnumerable<long> numbers => new() { Name = name, Type = AttributeType.Ints, Ints = { numbers } },
        IEnumerable<double> numbers =>
            new() { Name = name, Type = AttributeType.Floats, Floats = { numbers.Select(number => (float)number) } },
        _ => throw new ArgumentException(
            $"{node.Type}: the attribute {name} is {value?.GetType().Name ?? "null"}, "
            + "expected a number, a text, or an array of long or double."),
    };

    private static TensorProto Tensor(string name, Tensor value) => new()
    {
        Name = name,
        Dims = { value.shape },
        DataType = (int)(value.dtype == ScalarType.Int64 ? TensorProto.Types.DataType.Int64 : TensorProto.Types.DataType.Float),
        RawData = ByteString.CopyFrom(value.bytes),
    };

    // The probe's shape, but with any number of images.
    private static ValueInfoProto Value(OnnxValue value, string description)
    {
        var sizes = value.Probe.shape[1..].Select(size => new TensorShapeProto.Types.Dimension { DimValue = size });
        var shape = new TensorShapeProto { Dim = { sizes.Prepend(new() { DimParam = "batch" }) } };
        var type = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape };
        return new() { Name = value.Name, DocString = description, Type = new() { TensorType = type } };
    }
}
