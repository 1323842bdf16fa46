using Ard.Trainers.Networks;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>An ONNX file as a model that can only be asked: images [N,C,H,W] in [0,1] to scores [N,classes].</summary>
internal static class OnnxModel
{
    /// <summary>Opens a file in ONNX Runtime.</summary>
    /// <exception cref="FormatException">It is no such model; the message says what its inputs and outputs are.</exception>
    public static Module<Tensor, Tensor> Open(string path)
    {
        InferenceSession session;
        try
        {
            session = new InferenceSession(path);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new FormatException($"{path}: expected an ONNX model, found: {exception.Message}", exception);
        }
        var (inputs, outputs) = (session.InputMetadata, session.OutputMetadata);
        // Of several outputs, such as a class and probabilities, the scores.
        var scores = outputs.Where(output => output.Value.ElementType == typeof(float) && output.Value.Dimensions.Length == 2).ToArray();
        if (inputs.Count != 1 || inputs.Single().Value is not { Dimensions.Length: 4 } input || input.ElementType != typeof(float)
            || scores.Length != 1)
            throw new FormatException(
                $"{path}: expected one input, floats [N,C,H,W], and one output of scores, floats [N,classes], found "
                + $"{string.Join(", ", inputs.Select(Text))} to {string.Join(", ", outputs.Select(Text))}.");
        var (from, to) = (inputs.Single().Key, scores[0].Key);
        return BlackBox.FromScores(Path.GetFileName(path), images =>
            // A model of a fixed number of images gets so many, of which the last may be black ones.
            input.Dimensions[0] is > 0 and var size ? cat([.. images.split(size).Select(part => Padded(part, size))]) : Run(images));

        Tensor Padded(Tensor images, int size) =>
            Run(functional.pad(images, [0, 0, 0, 0, 0, 0, 0, size - images.shape[0]])).narrow(0, 0, images.shape[0]);

        Tensor Run(Tensor images)
        {
            using var value = OrtValue.CreateTensorValueFromMemory(images.cpu().contiguous().data<float>().ToArray(), images.shape);
            using var run = new RunOptions();
            using var results = session.Run(run, [from], [value], [to]);
            return tensor(results[0].GetTensorDataAsSpan<float>().ToArray()).reshape(images.shape[0], -1);
        }

        static string Text(KeyValuePair<string, NodeMetadata> each) =>
            $"{each.Key}: {each.Value.ElementType?.Name} [{string.Join(",", each.Value.Dimensions ?? [])}]";
    }
}
