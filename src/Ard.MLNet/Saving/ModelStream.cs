using System.Runtime.CompilerServices;

// By these attributes, its own, ML.NET finds the classes of this assembly: mlContext.Model.Load in the assembly that the model file names,
// ComponentCatalog.RegisterAssembly in any. Ard.MLNet.csproj has the half of it that the compiler needs.
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]
[assembly: LoadableClass(typeof(Ard.MLNet.ImageClassifierTransformer), null, typeof(SignatureLoadModel), "", ClassifierFile.LoaderName)]
[assembly: LoadableClass(
    typeof(Ard.MLNet.Evaluation.AdversarialExamplesTransformer), null, typeof(SignatureLoadModel), "", AdversarialExamplesStep.LoaderName)]

namespace System.Runtime.CompilerServices
{
    /// <summary>Known to the runtime by its name: this assembly may use what is not public in that one.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        public string AssemblyName => assemblyName;
    }
}

namespace Ard.MLNet.Saving
{
    /// <summary>One named stream of bytes in a model file of ML.NET, written and read back by a class of ours.</summary>
    internal static class ModelStream
    {
        private const string StreamName = "Ard";
        private const string FormatSignature = "ARD MLNT";   // 8 characters
        private const uint FormatVersion = 0x00010001;

        /// <summary>Writes the model: the loader's name, of at most 24 characters, and one stream.</summary>
        public static void Write(ModelSaveContext context, string loaderName, Action<Stream> write)
        {
            ArgumentNullException.ThrowIfNull(context);
            context.SetVersionInfo(new(
                FormatSignature, FormatVersion, FormatVersion, FormatVersion, typeof(ModelStream).Assembly.GetName().Name, loaderName));
            context.SaveBinaryStream(StreamName, writer => write(writer.BaseStream));
        }

        /// <summary>Reads the stream of a model, which cannot seek.</summary>
        /// <exception cref="FormatException">The model has no such stream.</exception>
        public static T Read<T>(ModelLoadContext context, Func<Stream, T> read)
        {
            T model = default!;
            return context.TryLoadBinaryStream(StreamName, reader => model = read(reader.BaseStream))
                ? model
                : throw new FormatException($"The model has no stream '{StreamName}': it is damaged.");
        }
    }
}
