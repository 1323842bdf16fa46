// state_dict, and TorchSharp's own file format: the number of entries, then name and tensor of each.
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Parameters and persistent buffers themselves, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= [];
                string before = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (name, parameter) in named_parameters()) destination.TryAdd(before + name, parameter);
                foreach (var (name, buffer) in named_buffers()) destination.TryAdd(before + name, buffer);
                // A module that stands at two places is listed once above, but has its entries at both.
                foreach (var (name, module) in named_children()) module.state_dict(destination, before + name);
                return destination;
            }

            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                var destination = state_dict();
                bool Wanted(string key) => skip is null || !skip.Contains(key);
                var missing = destination.Keys.Where(key => Wanted(key) && !source.ContainsKey(key)).ToList();
                var unexpected = source.Keys.Where(key => Wanted(key) && !destination.ContainsKey(key)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                    throw new InvalidOperationException("The loaded state_dict is not identical to the target dictionary.");
                using var _ = no_grad();
                foreach (var (key, tensor) in source)
                    if (Wanted(key) && destination.TryGetValue(key, out Tensor target)) target.copy_(tensor);
                return (missing, unexpected);
            }

            public static Module Create<T>(string path) where T : Module, new() => new T().load(path);

            public Module save(string location, IList<string> skip = null)
            {
                using var stream = File.Create(location);
                return save(stream, skip);
            }

            public Module save(Stream stream, IList<string> skip = null)
            {
                using var writer = new BinaryWriter(stream);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string> skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string> skip = null)
            {
                var entries = sd.Where(entry => skip is null || !skip.Contains(entry.Key)).ToList();
                writer.WriteLeb(entries.Count);
                foreach (var (key, tensor) in entries)
                {
                    writer.Write(key);
                    TensorFormat.Write(writer, tensor);
                }
            }

            public virtual Module load(
                string location, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                if (!File.Exists(location)) throw new FileNotFoundException(location);
                using var stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            public Module load(
                Stream stream, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using var reader = new BinaryReader(stream);
                return load(reader, strict, skip, loadedParameters);
            }

            public virtual Module load(
                BinaryReader reader, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                var destination = state_dict();
                bool Wanted(string key) => skip is null || !skip.Contains(key);
                long count = reader.ReadLeb();
                int expected = destination.Keys.Count(Wanted);
                if (strict && count != expected)
                    throw new ArgumentException($"Mismatched state_dict sizes: expected {expected}, but found {count} entries.");
                for (long i = 0; i < count; i++)
                {
                    string key = reader.ReadString();
                    bool known = destination.TryGetValue(key, out Tensor target);
                    if (strict && !known)
                        throw new ArgumentException(
                            $"Mismatched module state names: the target modules does not have a submodule or buffer named '{key}'");
                    bool load = known && Wanted(key);
                    TensorFormat.ReadInto(reader, target, skip: !load);
                    if (loadedParameters is not null) loadedParameters[key] = load;
                }
                return this;
            }
        }
    }
}
