using Ard.Trainers.Onnx.Schema;
using Google.Protobuf;

namespace Ard.Trainers.Onnx;

internal static class OnnxModel
{
    public static ModelProto Build(
        OnnxGraph graph, OnnxValue output, Module<Tensor, Tensor> network, OnnxExportOptions options, long[] images)
    {
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
                Output =
                {
                    Value(
                        output,
                        options.Softmax
                            ? "The probability of each class."
                            : "The logits of the classes: their softmax is the probabilities."),
                },
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

    private static AttributeProto Attribute(OnnxNode node, string name, object value)
    {
        var message = new AttributeProto { Name = name };
        switch (value)
        {
            case bool or int or long:
                (message.I, message.Type) = (Convert.ToInt64(value, CultureInfo.InvariantCulture), AttributeProto.Types.AttributeType.Int);
                break;
            case float or double:
                message.F = Convert.ToSingle(value, CultureInfo.InvariantCulture);
                message.Type = AttributeProto.Types.AttributeType.Float;
                break;
            case string text:
                (message.S, message.Type) = (ByteString.CopyFromUtf8(text), AttributeProto.Types.AttributeType.String);
                break;
            case IEnumerable<long> numbers:
                message.Ints.Add(numbers);
                message.Type = AttributeProto.Types.AttributeType.Ints;
                break;
            case IEnumerable<double> numbers:
                message.Floats.Add(numbers.Select(number => (float)number));
                message.Type = AttributeProto.Types.AttributeType.Floats;
                break;
            default:
                throw new ArgumentException(
                    $"{node.Type}: the attribute {name} is {value?.GetType().Name ?? "null"}, "
                    + "expected a number, a text, or an array of long or double.");
        }
        return message;
    }

    private static TensorProto Tensor(string name, Tensor value) => new()
    {
        Name = name,
        Dims = { value.shape },
        DataType = (int)(value.dtype == ScalarType.Int64 ? TensorProto.Types.DataType.Int64 : TensorProto.Types.DataType.Float),
        RawData = ByteString.CopyFrom(value.bytes),
    };

    // The probe's shape, but with any number of images.
    private static ValueInfoProto Value(OnnxValue value, string description) => new()
    {
        Name = value.Name,
        DocString = description,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = (int)TensorProto.Types.DataType.Float,
                Shape = new TensorShapeProto
                {
                    Dim =
                    {
                        value.Probe.shape[1..].Select(size => new TensorShapeProto.Types.Dimension { DimValue = size })
                            .Prepend(new TensorShapeProto.Types.Dimension { DimParam = "batch" }),
                    },
                },
            },
        },
    };
}
